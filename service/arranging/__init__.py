"""The page cut out of a ranking: caps, diversity, boosts, one recording once."""
