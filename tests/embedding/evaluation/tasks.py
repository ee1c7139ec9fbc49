"""Small tasks written as a matrix of users and items: above 0 a like, below 0 a skip."""

import numpy as np
from numpy.typing import NDArray

from embedding.data.pairs import Pairs
from embedding.data.split import SplitPairs
from embedding.data.task import Task

Matrix = NDArray[np.float64]


def task_of(
    weights: Matrix, held_out: list[tuple[int, int]] | None = None, catalogue: NDArray[np.int64] | None = None
) -> Task:
    """The task of finding the `held_out` pairs, every item being a candidate; `catalogue` (N,): the items row by row.

    So that each is, there is one user more, the last, without a training pair and with all items held out.
    """
    test = np.zeros((len(weights) + 1, weights.shape[1]))
    test[-1] = 1
    for user, item in held_out or []:
        test[user, item] = 1
    rows = np.arange(weights.shape[1]) if catalogue is None else catalogue
    ids = item_ids(weights.shape[1])
    return Task.of(SplitPairs(pairs_of(weights[:, rows]), pairs_of(test[:, rows])), [ids[row] for row in rows])


def item_ids(number: int) -> list[str]:
    """Ids of a catalogue whose rows stand in their order."""
    return [f"{row:06}" for row in range(number)]


def pairs_of(matrix: Matrix) -> Pairs:
    """The pairs of users and items whose weight is not 0, none with a time."""
    users, items = np.nonzero(matrix)
    zeros = np.zeros(len(users))
    weights = matrix[users, items].astype(np.float32)
    folds = zeros.astype(np.uint8)
    return Pairs(users, items, weights, zeros, zeros.astype(np.uint64), folds, folds)
