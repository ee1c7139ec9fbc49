"""Podcasts from their feeds, and public data sets, each in its own layout, brought into the row formats."""
