"""Vectors with the ids of their rows, and which of them are nearest to a vector: by a scan of all, exactly."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from embedding.errors import NotFoundError, UsageError
from embedding.protocols import Vectors
from indexing.columns.scoring import best, one_by_one, scores_of

# Of a message.
_SHOWN_IDS = 3
# Queries scored at a time: at a million rows 64 MB.
_QUERIES = 16


class Neighbours(NamedTuple):
    """The nearest rows of one query, best first: `ids` and their `scores` (k,), dot products of unit vectors."""

    ids: list[str]
    scores: NDArray[np.float32]


class IdVectors(NamedTuple):
    """`ids` of N rows, and their `vectors` (N, D), float32 and of length one."""

    ids: list[str]
    vectors: Vectors

    def nearest(self, queries: Vectors, k: int = 10) -> list[Neighbours]:
        """The `k` rows nearest to each of `queries`, (Q, D) or one (D,): Q results, of equal scores the earlier row
        first. UsageError for another length, or a `k` below 1."""
        check_k(k)
        queries_QD = np.atleast_2d(np.asarray(queries, np.float32))
        if queries_QD.ndim != 2 or queries_QD.shape[1] != self.vectors.shape[1]:
            raise UsageError(
                f"queries: expected vectors of {self.vectors.shape[1]} dims, (Q, D) or (D,), "
                f"came an array of shape {np.shape(queries)}"
            )
        if not np.isfinite(queries_QD).all():
            raise UsageError("queries: expected finite numbers, came some that are not")
        found = []
        for start in range(0, len(queries_QD), _QUERIES):
            part = queries_QD[start : start + _QUERIES]
            for query, scores in zip(part, scores_of(self.vectors, part), strict=True):
                places, values = best(scores, k, lambda rows, query=query: one_by_one(self.vectors[rows], query))  # type: ignore[misc]
                found.append(Neighbours([self.ids[place] for place in places.tolist()], values))
        return found

    def of(self, ids: Sequence[str]) -> "IdVectors":
        """Those of some ids, in their order; NotFoundError names the ones that are not here."""
        places = {text: place for place, text in enumerate(self.ids)}
        missing = [text for text in ids if text not in places]
        if missing:
            raise unknown_ids(missing, self.ids)
        return IdVectors(list(ids), self.vectors[[places[text] for text in ids]])


def check_k(k: int) -> None:
    """UsageError for a number of neighbours below 1."""
    if k < 1:
        raise UsageError(f"k: expected 1 or more, came {k}")


def unknown_ids(missing: Sequence[str], there: Sequence[str]) -> NotFoundError:
    """The error for ids that are not there, which says some of those that are."""
    some = ", ".join(map(repr, missing[:_SHOWN_IDS])) + (" and others" if len(missing) > _SHOWN_IDS else "")
    known = ", ".join(map(repr, there[:_SHOWN_IDS])) or "none"
    return NotFoundError(f"{len(missing):,} ids are not known: {some}. There are {len(there):,}, such as {known}.")
