"""Columns by name: which column of somebody's table is which field of a row."""
