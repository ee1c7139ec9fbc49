"""Scores of rows for one vector or several, and the best of them: the same whoever else was asked for."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from embedding.protocols import Vectors

# Rows gathered at a time: 256 KB at 64-d stay in the cache until they are scored (50,000 rows .55 ms, at once 1.3).
_CHUNK = 1_024
# From so many vectors on, one product of matrices beats as many with a vector (53,000 x 64: 16 of them 4 times).
_FEWEST_TOGETHER = 4
# The most scores of which the best stands for all, the fewest that are worth it, and how many such groups there must be
# for each hit that is asked for.
_GROUP, _SMALL_GROUP, _GROUPS_PER_HIT = 64, 4, 4
ROUNDING = 6e-5
"""By so much a float32 product of unit vectors may differ with the order of addition, at a thousand dims."""


def scores_of(matrix: Vectors, vectors: Vectors) -> NDArray[np.float32]:
    """(Q, R) scores of the rows of `matrix` (R, dims) for each of `vectors` (Q, dims)."""
    if len(vectors) >= _FEWEST_TOGETHER:
        return vectors @ matrix.T
    scores = np.empty((len(vectors), len(matrix)), dtype=np.float32)
    for vector, of_vector in zip(vectors, scores, strict=True):
        np.dot(matrix, vector, out=of_vector)
    return scores


def gathered_scores(matrix: Vectors, rows: NDArray[np.int64], vectors: Vectors) -> NDArray[np.float32]:
    """(Q, len(rows)) scores of some rows of `matrix` for each of `vectors` (Q, dims), in bounded memory."""
    scores = np.empty((len(vectors), len(rows)), dtype=np.float32)
    buffer = np.empty((_CHUNK, matrix.shape[1]), dtype=np.float32)
    for start in range(0, len(rows), _CHUNK):
        part = rows[start : start + _CHUNK]
        # `clip`: with `raise` numpy would gather into a copy first.
        np.take(matrix, part, axis=0, out=buffer[: len(part)], mode="clip")
        scores[:, start : start + len(part)] = scores_of(buffer[: len(part)], vectors)
    return scores


def best(
    scores: NDArray[np.float32], limit: int, exact: Callable[[NDArray[np.int64]], NDArray[np.float32]]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Places and scores of the `limit` largest, best first and the earlier one of equals first, so that 20 begin with
    the 10; none of those that were taken out, whose score is minus infinity.

    `exact` gives the scores at some places by `one_by_one`: `scores` differ in the last bits with what was multiplied
    together, and an order must not depend on who else asked.
    """
    if len(scores) > limit:
        places = np.flatnonzero(scores >= _low_enough(scores, limit) - np.float32(ROUNDING))
    else:
        places = np.arange(len(scores))
    places = places[scores[places] > -np.inf]
    values = exact(places)
    order = np.argsort(-values, kind="stable")[:limit]
    return places[order], values[order]


def one_by_one(rows: Vectors, vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """(R,) scores of `rows` (R, dims), each added up in the same order wherever it stands."""
    scores: NDArray[np.float32] = np.einsum("rd,d->r", rows, vector)
    return scores


def _low_enough(scores: NDArray[np.float32], limit: int) -> np.float32:
    """A score that at least `limit` reach, and few more: the `limit`-th of the best of groups, where there are many."""
    group = min(_GROUP, len(scores) // (_GROUPS_PER_HIT * limit))
    if group >= _SMALL_GROUP:
        num_groups = len(scores) // group
        # Strided groups: the maximum runs along whole rows (57,000 scores, limit 20: 12 us, their partition 35).
        scores = scores[: num_groups * group].reshape(group, num_groups).max(axis=0)
    low: np.float32 = np.partition(scores, len(scores) - limit)[len(scores) - limit]
    return low
