"""Tables as people have them: a map of their columns proposed from header and values, and the import by a map."""
