"""What the towers are compared with that needs no library: popularity, item neighbours, EASE, nearest texts."""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy import sparse

from embedding.data.task import Task
from embedding.errors import UsageError
from embedding.evaluation.evaluation import Scores
from embedding.protocols import Vectors

# Neighbours that an item keeps: on HetRec 20 give recall@20 .195, 100 .221, 1,000 .250.
_NEIGHBOURS = 1_000
# Regularisation of EASE.
_EASE_LAMBDA = 50.0
# A matrix of this many squared is inverted in a minute or two on one core, and takes 0.8 GB in float64.
_EASE_MOST = 10_000
_ITEMS_AT_ONCE = 1_024


class Liked(Struct, frozen=True):
    """Who liked what in training: `by_user` (U, N) of ones, candidates as columns; `asked` (Q,): row of each asker.

    A user of the task without a training pair has a row too, an empty one.
    """

    by_user: sparse.csr_matrix
    asked: NDArray[np.int64]

    @classmethod
    def of(cls, task: Task) -> "Liked":
        """The positive training pairs of `task`."""
        pairs = task.train.where(task.train.positive)
        users = np.union1d(task.users, pairs.users)
        entries = (np.searchsorted(users, pairs.users), np.searchsorted(task.candidates, pairs.items))
        shape = (len(users), len(task.candidates))
        ones = np.ones(len(pairs), np.float32)
        return cls(sparse.csr_matrix((ones, entries), shape=shape), np.searchsorted(users, task.users))


class Popularity:
    """The same list for everybody: most pairs in training first; of equals, the earlier catalogue row."""

    def __init__(self, task: Task) -> None:
        counts = np.bincount(task.train.items[task.train.positive], minlength=len(task.is_candidate))
        by_count = np.argsort(-counts[task.candidates], kind="stable")
        self._scores = np.empty(len(by_count), np.float32)
        self._scores[by_count] = -np.arange(len(by_count), dtype=np.float32)

    def scores(self, first: int, last: int) -> Scores:
        """Scores (last - first, N) of the candidates for users `first` to `last` (exclusive) of the task."""
        return np.repeat(self._scores[None], last - first, axis=0)


class ItemNeighbours:
    """Sums what a user's items have in common with each candidate: cosine of their listeners.

    Sarwar et al., "Item-based collaborative filtering recommendation algorithms", WWW 2001; an item is among its own
    neighbours.
    """

    def __init__(self, task: Task, num_neighbours: int = _NEIGHBOURS) -> None:
        liked = Liked.of(task)
        self._liked = liked.by_user[liked.asked]
        lengths = np.sqrt(np.asarray(liked.by_user.sum(axis=0)).ravel())
        unit = (liked.by_user @ sparse.diags(1 / np.maximum(lengths, 1))).tocsc()
        by_item = unit.T.tocsr()
        parts = []
        for first in range(0, unit.shape[1], _ITEMS_AT_ONCE):
            block = (by_item[first : first + _ITEMS_AT_ONCE] @ unit).tocsr()
            parts.append(_keep_largest(block, num_neighbours))
        self._neighbours = sparse.vstack(parts).tocsr()

    def scores(self, first: int, last: int) -> Scores:
        """Scores (last - first, N) of the candidates for users `first` to `last` (exclusive) of the task."""
        return np.asarray((self._liked[first:last] @ self._neighbours).toarray(), np.float32)


def _keep_largest(block: sparse.csr_matrix, most: int) -> sparse.csr_matrix:
    """The `most` largest values of each row; of equals, those of the earlier columns."""
    block.sort_indices()
    rows = np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
    order = np.lexsort((-block.data, rows))
    place = np.arange(len(rows)) - block.indptr[rows]
    kept = order[place < most]
    return sparse.csr_matrix((block.data[kept], (rows[kept], block.indices[kept])), shape=block.shape)


class Ease:
    """Each item as a weighted sum of the others, the weights of least squares with a ridge and no weight on itself.

    Steck, "Embarrassingly shallow autoencoders for sparse data", WWW 2019. With P = (X'X + lambda I)^-1 the weights
    are B = I - P diag(1 / P_jj), and the scores X B. P is as large as the catalogue squared; but X P = K^-1 X and
    P_jj = (1 - x_j' K^-1 x_j) / lambda with K = X X' + lambda I, as large as the users squared (Woodbury), so that the
    smaller of the two is inverted. Raises UsageError where both are above 10,000.
    """

    def __init__(self, task: Task) -> None:
        liked = Liked.of(task)
        matrix = liked.by_user.astype(np.float64)
        num_users, num_items = matrix.shape
        if min(num_users, num_items) > _EASE_MOST:
            raise UsageError(
                f"EASE inverts a matrix of users or of items squared, {_EASE_MOST:,} at most; there are {num_users:,} "
                f"users and {num_items:,} items. Leave `ease` out of --baselines."
            )
        self._liked = matrix[liked.asked]
        if num_users <= num_items:
            inverse = np.linalg.inv((matrix @ matrix.T).toarray() + _EASE_LAMBDA * np.eye(num_users))
            spread = np.asarray(matrix.T @ inverse).T
            diagonal = (1 - np.asarray(matrix.multiply(spread).sum(axis=0)).ravel()) / _EASE_LAMBDA
            self._projected = spread[liked.asked] / diagonal
        else:
            inverse = np.linalg.inv((matrix.T @ matrix).toarray() + _EASE_LAMBDA * np.eye(num_items))
            self._projected = np.asarray(self._liked @ inverse) / np.diag(inverse)

    def scores(self, first: int, last: int) -> Scores:
        """Scores (last - first, N) of the candidates for users `first` to `last` (exclusive) of the task."""
        return np.asarray(self._liked[first:last].toarray() - self._projected[first:last], np.float32)


class NearestTexts:
    """Cosine between an item's text and the mean of the texts that a user liked: what text alone can find."""

    def __init__(self, task: Task, texts: Vectors) -> None:
        """`texts` (N, E): unit vectors of the candidates' texts."""
        liked = Liked.of(task)
        self._texts = texts
        self._queries = np.asarray(liked.by_user[liked.asked] @ texts, np.float32)

    def scores(self, first: int, last: int) -> Scores:
        """Scores (last - first, N) of the candidates for users `first` to `last` (exclusive) of the task."""
        return np.asarray(self._queries[first:last] @ self._texts.T, np.float32)
