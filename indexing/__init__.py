"""Vectors into Qdrant and back, under rules: filters, stores, releases. The only package that speaks Qdrant."""
