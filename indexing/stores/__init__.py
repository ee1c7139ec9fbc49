"""Vector stores under one contract: the embedded engine, and a Qdrant server."""
