"""The query vector of a request and its space: weighted seeds, or a history through the query tower.

A tower that has seen no user of both kinds has learnt nothing about crossing from one to the other, and one that has
seen no likes of a kind nothing about that kind at all: both go through the texts
(docs/decisions/2026-11-25-crossing-and-fallback.md).
"""

from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from embedding.rows.schema import Kind
from service.loaded.kind_quotas import KindQuotas, are_of_kind
from service.loaded.loaded_release import LoadedRelease
from service.queries.history import Listening
from service.queries.posted_vectors import PostedVectors
from service.schemas.problems import ProblemError

# Below this part of the weights' total, what is left of a sum of float32 unit vectors is rounding.
_CANCELLED = 1e-5


class QueryVector(Struct, frozen=True):
    """A unit vector (dims,) of the space `using`."""

    vector: NDArray[np.float32]
    using: str


class QueryVectors:
    """The query vectors of one loaded release."""

    def __init__(self, loaded: LoadedRelease, kind_quotas: KindQuotas) -> None:
        self._loaded = loaded
        self._crosses, self._learnt = kind_quotas.crosses, kind_quotas.learnt
        self._space = loaded.release.space

    def of_seeds(self, rows: list[int], weights: list[float], kind: Kind | None) -> QueryVector:
        """Towards weighted seeds, among items of one kind (None: of all). Raises a 400 problem when weights cancel."""
        factors = np.asarray(weights, np.float32)
        using, own = self._chosen(rows, factors, kind)
        if own is not None:
            rows, factors = np.asarray(rows)[own].tolist(), factors[own]
        return _towards(self._sum(using, rows, factors), using, len(rows))

    def of_posted(self, rows: list[int], weights: list[float], posted: PostedVectors) -> QueryVector:
        """Towards posted vectors and weighted seeds beside them, in the vectors' space, whatever the kind. Raises a 400
        problem when weights cancel."""
        vectors = np.concatenate((posted.vectors, self._loaded.rows.vectors(posted.using, rows)))
        factors = np.asarray([*posted.weights, *weights], np.float32)
        return _towards(_summed(vectors, factors), posted.using, len(factors))

    def of_listener(self, listening: Listening, at_s: int, kind: Kind | None) -> QueryVector | None:
        """Towards what a listener may like next, among items of one kind (None: of all).

        None where the history says nothing: it is empty, or likes and skips cancel.
        """
        if not len(listening.rows):
            return None
        using, own = self._chosen(listening.rows, listening.weights, kind)
        heard = listening if own is None else listening.where(own)
        tower = self._loaded.tower
        if tower is None or using != self._space:
            weights = heard.weights if heard.decays is None else heard.weights * heard.decays
            vector = self._sum(using, heard.rows, weights)
            return None if vector is None else QueryVector(vector, using)
        history = self._loaded.rows.vectors(using, heard.rows)
        return QueryVector(tower.encode(history, heard.weights, at_s, heard.decays), using)

    def _chosen(
        self, rows: Any, weights: NDArray[np.float32], kind: Kind | None
    ) -> tuple[str, NDArray[np.bool_] | None]:
        """The space that answers for a kind, and which of the rows count there (None: all)."""
        if kind is None or self._crosses:
            return self._space, None
        if kind not in self._learnt:
            return "text", None
        own = are_of_kind(self._loaded.rows, np.asarray(rows, np.int64), kind)
        # Among its own kind alone the tower knows what is near; a skip alone names no place to look at.
        return (self._space, own) if (weights[own] > 0).any() else ("text", None)

    def _sum(self, using: str, rows: Any, factors: NDArray[np.float32]) -> NDArray[np.float32] | None:
        return _summed(self._loaded.rows.vectors(using, rows), factors)


def _summed(vectors: NDArray[np.float32], factors: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Unit vector (dims,) of a weighted sum of unit vectors (S, dims); None where it cancels."""
    if len(vectors) == 1 and factors[0] > 0:
        single: NDArray[np.float32] = vectors[0]
        return single
    total: NDArray[np.float32] = factors @ vectors
    length = float(np.linalg.norm(total))
    return None if length <= _CANCELLED * float(np.abs(factors).sum()) else total / np.float32(length)


def _towards(vector: NDArray[np.float32] | None, using: str, num_seeds: int) -> QueryVector:
    if vector is None:
        raise ProblemError(
            "weights-cancel",
            f"The weighted sum of {num_seeds} seeds is zero: it points nowhere. "
            "Expected weights that do not cancel; change one, or leave a seed out.",
        )
    return QueryVector(vector, using)
