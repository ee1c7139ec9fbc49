"""Item-based nearest neighbours: candidates that were liked by the same users as what a user liked."""

import numpy as np
from scipy import sparse

from embedding.data.task import Task
from embedding.evaluation.baselines.baseline import Baseline, CandidateTexts
from embedding.evaluation.baselines.user_items import UserItems
from embedding.evaluation.scorer import Scorer, Scores

_ITEMS_AT_ONCE = 1_024
# What double precision can part equal cosines by, with room.
_ROUNDING = 1e-9


class ItemNeighbours(Baseline):
    """Sums over a user's items the cosine of their users with each candidate's, as far as they are neighbours.

    Sarwar et al., "Item-based collaborative filtering recommendation algorithms", WWW 2001; an item is among its own
    neighbours.
    """

    name = "item-knn"

    def __init__(self, num_neighbours: int = 1_000) -> None:
        """`num_neighbours` of an item: on HetRec 20 give recall@20 .195, 100 .221, 1,000 .250."""
        self._num_neighbours = num_neighbours

    def fit(self, task: Task, texts: CandidateTexts) -> Scorer:  # noqa: ARG002  # of no use to it
        """As `Baseline`."""
        user_items = UserItems.of(task)
        lengths = np.sqrt(np.asarray(user_items.matrix.sum(axis=0)).ravel())
        unit = (user_items.matrix @ sparse.diags(1 / np.maximum(lengths, 1))).tocsc()
        by_item = unit.T.tocsr()
        parts = []
        for first in range(0, unit.shape[1], _ITEMS_AT_ONCE):
            cosines = (by_item[first : first + _ITEMS_AT_ONCE] @ unit).tocsr()
            parts.append(_largest(cosines, self._num_neighbours))
        return _NeighbourScorer(user_items.of_task, sparse.vstack(parts).tocsr())


class _NeighbourScorer:
    """`liked` (Q, N) of the task's users times the `neighbours` (N, N) of each item."""

    def __init__(self, liked: sparse.csr_matrix, neighbours: sparse.csr_matrix) -> None:
        self._liked, self._neighbours = liked, neighbours

    def scores(self, first: int, last: int) -> Scores:
        """As `Scorer`."""
        return np.asarray((self._liked[first:last] @ self._neighbours).toarray(), np.float32)


def _largest(matrix: sparse.csr_matrix, most: int) -> sparse.csr_matrix:
    """The `most` largest values of each row, none below 0, and what is equal to the least of them but for rounding."""
    matrix.sort_indices()
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    order = np.lexsort((-matrix.data, rows))
    ordered = matrix.data[order]
    least = ordered[np.minimum(matrix.indptr[rows] + most, matrix.indptr[rows + 1]) - 1]
    kept = order[ordered >= least * (1 - _ROUNDING)]
    return sparse.csr_matrix((matrix.data[kept], (rows[kept], matrix.indices[kept])), shape=matrix.shape)
