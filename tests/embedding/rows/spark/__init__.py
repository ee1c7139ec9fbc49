"""A table that Spark wrote, and how."""
