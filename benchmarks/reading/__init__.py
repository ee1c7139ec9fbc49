"""What reading rows costs, by format: rows a second, and the memory that a million of them take."""
