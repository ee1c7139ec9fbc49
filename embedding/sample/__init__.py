"""The made-up catalogue with a planted truth, and its listeners."""
