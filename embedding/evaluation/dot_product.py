"""Scores by dot product: a vector for each user, one for each candidate.

Shapes: Q users, N candidates, D dims.
"""

import numpy as np

from embedding.evaluation.scorer import Scores
from embedding.protocols import Vectors


class DotProductScorer:
    """Vectors of a task's users against those of its candidates; equal candidates have equal scores, bit for bit."""

    def __init__(self, users: Vectors, candidates: Vectors) -> None:
        """`users` (Q, D), `candidates` (N, D)."""
        # A product of matrices may round the same numbers differently at different places.
        distinct = np.ascontiguousarray(candidates)
        rows = distinct.view(np.dtype((np.void, distinct.dtype.itemsize * distinct.shape[1])))[:, 0]
        _, first, place = np.unique(rows, return_index=True, return_inverse=True)
        self._users, self._place = users, place
        self._distinct = distinct[first]

    def scores(self, first: int, last: int) -> Scores:
        """As `Scorer`."""
        return np.asarray((self._users[first:last] @ self._distinct.T)[:, self._place], np.float32)
