"""Rows in, vectors out: catalogue rows, the text encoder, the two towers and their evaluation."""
