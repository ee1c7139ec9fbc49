"""How well a search finds what a team says that it should: their own questions, asked of a service."""
