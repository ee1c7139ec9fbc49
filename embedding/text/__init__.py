"""The text encoder, what it reads of items, and the cache of its vectors."""
