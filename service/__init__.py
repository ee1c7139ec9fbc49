"""Answers over HTTP, and the two composition roots. The only package that speaks HTTP."""
