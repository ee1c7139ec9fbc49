"""A release as a worker holds it, and the re-check that every row passes before it may be shown."""
