"""Text queries beside other load on the same cores."""
