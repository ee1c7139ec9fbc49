"""EASE: each item as a weighted sum of the others, by linear regression in closed form."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from embedding.data.task import Task
from embedding.errors import UsageError
from embedding.evaluation.baselines.baseline import Baseline, CandidateTexts
from embedding.evaluation.baselines.user_items import UserItems
from embedding.evaluation.scorer import Scorer, Scores

_REGULARISATION = 50.0
# A matrix of this many squared is inverted in a minute or two on one core, and takes 0.8 GB in float64.
_MAX_SIDE = 10_000


class Ease(Baseline):
    """Least squares with ridge regularisation and no weight of an item on itself.

    Steck, "Embarrassingly shallow autoencoders for sparse data", WWW 2019. With P = (X'X + lambda I)^-1 the weights
    are B = I - P diag(1 / P_jj), and the scores X B. P is as large as the catalogue squared; but X P = K^-1 X and
    P_jj = (1 - x_j' K^-1 x_j) / lambda with K = X X' + lambda I, as large as the users squared (Woodbury), so that the
    smaller of the two is inverted. Raises UsageError where both are above 10,000.
    """

    name = "ease"

    def fit(self, task: Task, texts: CandidateTexts) -> Scorer:  # noqa: ARG002  # of no use to it
        """As `Baseline`."""
        user_items = UserItems.of(task)
        matrix = user_items.matrix.astype(np.float64)
        num_users, num_items = matrix.shape
        if min(num_users, num_items) > _MAX_SIDE:
            raise UsageError(
                f"EASE inverts a matrix of users or of items squared, {_MAX_SIDE:,} at most; there are {num_users:,} "
                f"users and {num_items:,} items. Leave `ease` out of --baselines."
            )
        liked = matrix[user_items.rows]
        if num_users <= num_items:
            inverse = np.linalg.inv((matrix @ matrix.T).toarray() + _REGULARISATION * np.eye(num_users))
            spread = np.asarray(matrix.T @ inverse).T
            diagonal = (1 - np.asarray(matrix.multiply(spread).sum(axis=0)).ravel()) / _REGULARISATION
            projected = spread[user_items.rows] / diagonal
        else:
            inverse = np.linalg.inv((matrix.T @ matrix).toarray() + _REGULARISATION * np.eye(num_items))
            projected = np.asarray(liked @ inverse) / np.diag(inverse)
        return _EaseScorer(liked, projected)


class _EaseScorer:
    """X - X P diag(1 / P_jj): `liked` (Q, N) less `projected` (Q, N)."""

    def __init__(self, liked: sparse.csr_matrix, projected: NDArray[np.float64]) -> None:
        self._liked, self._projected = liked, projected

    def scores(self, first: int, last: int) -> Scores:
        """As `Scorer`."""
        return np.asarray(self._liked[first:last].toarray() - self._projected[first:last], np.float32)
