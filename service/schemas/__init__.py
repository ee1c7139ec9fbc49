"""What goes in and comes out: requests, answers, problems, settings."""
