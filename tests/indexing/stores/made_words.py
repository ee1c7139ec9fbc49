"""Sparse vectors for tests, drawn with a fixed seed, and what a store should say of them, worked out one by one."""

import numpy as np

from indexing.words.sparse import Sparse, SparseRows


def made_words(num: int, seed: int = 0, num_terms: int = 30) -> list[Sparse]:
    """`num` vectors over few terms, so that many share some; every seventh is empty."""
    dice = np.random.default_rng(seed)
    # Numbers that differ in their high bits alone must not be taken for one another.
    terms = np.sort(dice.choice(50, num_terms, replace=False).astype(np.uint32) * np.uint32(1 << 24))
    made = []
    for number in range(num):
        kept = np.zeros(num_terms, np.bool_) if number % 7 == 6 else dice.random(num_terms) < 0.2
        made.append(Sparse(terms[kept], dice.uniform(0.1, 2.2, kept.sum()).astype(np.float32)))
    return made


def no_words(num: int) -> SparseRows:
    """Rows without a word."""
    return SparseRows.of([Sparse(np.zeros(0, np.uint32), np.zeros(0, np.float32))] * num)


def score_of(words: Sparse, query: Sparse) -> float:
    """Their dot product, entry by entry."""
    weights = dict(zip(query.indices.tolist(), query.values.tolist(), strict=True))
    shares = zip(words.indices.tolist(), words.values.tolist(), strict=True)
    return float(sum(value * weights.get(term, 0.0) for term, value in shares))
