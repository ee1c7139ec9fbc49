"""Listens as services export them: one user's history, matched to the rows of a catalogue."""
