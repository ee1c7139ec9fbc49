"""What is shown without a ranking: counts, listings, suggestions by prefix."""
