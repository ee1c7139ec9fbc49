"""Counts by value, listings and suggestions: what they cost, and whether a mistyped word is understood."""
