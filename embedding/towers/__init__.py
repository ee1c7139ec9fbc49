"""The two towers, what they read of items and histories, and the model folder."""
