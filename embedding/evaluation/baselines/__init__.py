"""What the towers are compared with: one module a baseline, found by name."""
