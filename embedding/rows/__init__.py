"""What a row is, and how files of them are read, checked, rejected and written."""
