"""Scores by dot product: a vector for each user, one for each candidate."""

import numpy as np

from embedding.evaluation.scorer import Scores
from embedding.protocols import Vectors


class DotProductScorer:
    """Vectors of a task's users against those of its candidates."""

    def __init__(self, users: Vectors, candidates: Vectors) -> None:
        """`users` (Q, D), `candidates` (N, D)."""
        self._users, self._candidates = users, candidates

    def scores(self, first: int, last: int) -> Scores:
        """As `Scorer`."""
        return np.asarray(self._users[first:last] @ self._candidates.T, np.float32)
