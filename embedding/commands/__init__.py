"""The command line of rows and models."""
