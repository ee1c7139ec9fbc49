"""A release's columns, read by mmap: vectors, fields, rule combinations, features, lists, postings."""
