"""What changes between builds: a log that only grows, and what a release shows once it was read."""
