"""Podcasts from their feeds: fetched, read, and kept as one catalogue that grows as the feeds do."""
