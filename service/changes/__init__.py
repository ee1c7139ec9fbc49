"""What changes a running service: rows put and removed, takedowns, compactions."""
