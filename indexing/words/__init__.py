"""Which words an item has and how much each says of it: the sparse vectors of BM25."""
