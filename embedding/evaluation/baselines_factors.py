"""Matrix factorisations of the library `implicit` to compare with: alternating least squares, and BPR."""

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from implicit.cpu.bpr import BayesianPersonalizedRanking
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from embedding.data.task import Task
from embedding.evaluation.baselines import Liked
from embedding.evaluation.evaluation import Scores

_FACTORS = 64
_SEED = 0
# The best of six tried on HetRec and the Taste Profile: the library's own settings give recall@20 .208, these .277.
_CONFIDENCE = 10.0
_REGULARISATION = 10.0


class Factors:
    """Scores by the dot product of a user's and an item's factors."""

    def __init__(self, users: NDArray[np.float32], items: NDArray[np.float32]) -> None:
        """`users` (Q, F) of the task's users, `items` (N, F) of its candidates."""
        self._users, self._items = users, items

    def scores(self, first: int, last: int) -> Scores:
        """Scores (last - first, N) of the candidates for users `first` to `last` (exclusive) of the task."""
        return np.asarray(self._users[first:last] @ self._items.T, np.float32)


def least_squares(task: Task) -> Factors:
    """Hu, Koren and Volinsky, "Collaborative filtering for implicit feedback datasets", ICDM 2008, 64 factors."""
    model = AlternatingLeastSquares(
        _FACTORS, regularization=_REGULARISATION, alpha=_CONFIDENCE, random_state=_SEED, num_threads=1
    )
    return _fit(model, task)


def pairwise_ranking(task: Task) -> Factors:
    """Rendle et al., "BPR: Bayesian personalized ranking from implicit feedback", UAI 2009, 64 factors."""
    # Several threads would write over one another, and no two runs would agree.
    return _fit(BayesianPersonalizedRanking(_FACTORS, random_state=_SEED, num_threads=1), task)


def _fit(model: AlternatingLeastSquares | BayesianPersonalizedRanking, task: Task) -> Factors:
    liked = Liked.of(task)
    with threadpool_limits(1, "blas"):
        model.fit(liked.by_user, show_progress=False)
    return Factors(np.asarray(model.user_factors)[liked.asked], np.asarray(model.item_factors))
