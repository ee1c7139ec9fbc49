"""The scan of the columns: every row that passes is scored, or first all by their principal components, then the best.

Ties go to the lower row. Which rows pass is worked out in indexing/search/allowed_rows.py.
"""

from collections.abc import Iterator, Sequence
from functools import cache, partial
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from embedding.protocols import Vectors
from indexing.columns.columns import PointRows
from indexing.columns.field_columns import PointFields
from indexing.columns.principal_components import PrincipalComponents
from indexing.columns.scoring import best, gathered_scores, one_by_one, scores_of
from indexing.rules.compiled import CompiledContext
from indexing.search.allowed_rows import AllowedRows, KnownContext, RowsByContext
from indexing.stores.contract import Ranked

# Reading every row in order costs 7 ns a row, gathering some 27 ns each (1,000,000 x 64).
_READ_ALL_FROM = 0.25
# So many times the rows wanted are looked at first where some are to be left out.
_WITHOUT_SPARE = 2
# So many are scored in full of the best by their first components, and as many more for each hit: of real
# texts they hold .99 of what is nearest (docs/log.md).
_REFINED, _REFINED_A_HIT = 800, 8
# Of fewer rows for each of those, a scan in full takes no longer.
_ROWS_A_REFINED = 4
# Scores at once: what several vectors have in common is read once for all of them, as long as it stays in bounds.
_MOST_SCORES = 4 << 20


class NearestQuery(Struct, frozen=True):
    """The `limit` rows nearest to `vector` (dims,) in the space `using` that pass `compiled.filter`.

    Rows `without` which they are wanted, ascending and not none, are taken out by number before anything is ranked.
    `by_components`: only the best by their principal components are scored in full, so that some may be missed; what
    has no such components, or is few, is scored in full.
    """

    vector: NDArray[np.float32]
    using: str
    compiled: CompiledContext
    limit: int
    without: NDArray[Any] | None = None
    by_components: bool = False


class ColumnScan:
    """Finds the nearest rows of one collection, without fail unless asked to go by principal components.

    From the first one on, numpy multiplies in one thread in this process.
    """

    def __init__(self, columns: PointRows, fields: PointFields) -> None:
        _multiply_in_one_thread()
        self.columns = columns
        self._contexts = RowsByContext(fields, len(columns))

    def nearest(self, query: NearestQuery) -> Ranked:
        """The answer to one query."""
        return self.nearest_of([query])[0]

    def nearest_of(self, queries: Sequence[NearestQuery]) -> list[Ranked]:
        """The answers in the order of `queries`, each as if it were alone; those that may show the same rows are
        scored together.

        By principal components, what is scored in full is told by products whose last bits differ with who else asked:
        a row at the very edge of it may be there or not.
        """
        known = [self._contexts.known(one.compiled) for one in queries]
        allowed = [self._contexts.allowed(one) for one in known]
        first = [self._components(one, rows) for one, rows in zip(queries, allowed, strict=True)]
        if len(queries) == 1:
            # There is nothing to sort out: a fifth of what a scan of a small release takes.
            scores = self._scores(allowed[0], queries[0].using, queries[0].vector[np.newaxis], first[0])
            return [self._ranked(queries[0], known[0], allowed[0], scores[0], first[0])]
        alike: dict[tuple[int, str, bool], list[int]] = {}
        for place, one in enumerate(queries):
            alike.setdefault((id(allowed[place]), one.using, first[place] is None), []).append(place)
        found: dict[int, Ranked] = {}
        for places in alike.values():
            rows, using, by = allowed[places[0]], queries[places[0]].using, first[places[0]]
            for some in _in_bounds(places, rows.num_rows):
                scores = self._scores(rows, using, np.array([queries[place].vector for place in some], np.float32), by)
                for place, of_one in zip(some, scores, strict=True):
                    found[place] = self._ranked(queries[place], known[place], rows, of_one, by)
        return [found[place] for place in range(len(queries))]

    def scores_all(self, query: NearestQuery) -> bool:
        """Whether all rows that pass are scored in full, so that none is missed."""
        return self._components(query, self._allowed(query.compiled)) is None

    def num_passing(self, compiled: CompiledContext) -> int:
        """How many rows pass but for the blocklists."""
        return self._allowed(compiled).num_rows

    def passing_rows(self, compiled: CompiledContext) -> NDArray[np.int64]:
        """The rows, ascending, that pass but for the blocklists: those of blocked creators are among them."""
        rows = self._allowed(compiled).rows
        return np.arange(len(self.columns)) if rows is None else rows

    def allowed_rows(self, compiled: CompiledContext) -> NDArray[np.int64]:
        """The rows, ascending, that pass, those of blocked creators not among them."""
        rows, blocked = self.passing_rows(compiled), self._contexts.known(compiled).blocked
        return np.setdiff1d(rows, blocked, assume_unique=True) if len(blocked) else rows

    def _allowed(self, compiled: CompiledContext) -> AllowedRows:
        return self._contexts.allowed(self._contexts.known(compiled))

    def _components(self, query: NearestQuery, allowed: AllowedRows) -> PrincipalComponents | None:
        """By what the rows are scored first; None where all of them are scored in full."""
        if not query.by_components or allowed.num_rows <= _ROWS_A_REFINED * _num_refined(query.limit):
            return None
        return self.columns.principal_components(query.using)

    def _scores(
        self, allowed: AllowedRows, using: str, asked: Vectors, components: PrincipalComponents | None
    ) -> NDArray[np.float32]:
        """(Q, R) of the rows allowed for the vectors `asked` (Q, dims), in full or by the `components` of both."""
        if components is None:
            vectors = self.columns.vectors(using)
        else:
            using, vectors, asked = f"{using}.components", components.vectors, asked @ components.axes
        if allowed.rows is None:
            return scores_of(vectors, asked)
        block = self._contexts.block(allowed, using, vectors)
        if block is not None:
            return scores_of(block, asked)
        if allowed.num_rows >= _READ_ALL_FROM * len(vectors):
            return scores_of(vectors, asked)[:, allowed.rows]
        return gathered_scores(vectors, allowed.rows, asked)

    def _ranked(
        self,
        query: NearestQuery,
        known: KnownContext,
        allowed: AllowedRows,
        scores: NDArray[np.float32],
        components: PrincipalComponents | None,
    ) -> Ranked:
        exact = partial(self._exact, query, allowed)
        num_refined = query.limit if components is None else _num_refined(query.limit)
        if len(known.blocked):
            if known.blocked_places is None:
                known.blocked_places = allowed.places(known.blocked)
            scores[known.blocked_places] = -np.inf
        if query.without is not None:
            if components is None:
                places, values = best(scores, _WITHOUT_SPARE * query.limit, exact)
                kept = ~_among(places if allowed.rows is None else allowed.rows[places], query.without)
                if np.count_nonzero(kept) >= query.limit:
                    return allowed.ranked(places[kept][: query.limit], values[kept][: query.limit])
            # They lie thick where the best are, or would take the places of those that are scored in full: they go
            # out of all scores.
            before = allowed.nbytes
            scores[allowed.places_of(query.without)] = -np.inf
            if allowed.nbytes > before:
                self._contexts.make_room()
        places, values = best(scores, num_refined, exact)
        return allowed.ranked(places[: query.limit], values[: query.limit])

    def _exact(self, query: NearestQuery, allowed: AllowedRows, places: NDArray[np.int64]) -> NDArray[np.float32]:
        block = allowed.blocks.get(query.using)
        if block is not None:
            return one_by_one(block[places], query.vector)
        rows = places if allowed.rows is None else allowed.rows[places]
        return one_by_one(self.columns.vectors(query.using)[rows], query.vector)


def _num_refined(limit: int) -> int:
    return _REFINED + _REFINED_A_HIT * limit


def _in_bounds(places: list[int], num_rows: int) -> Iterator[list[int]]:
    """So many of the places at a time as may be scored together."""
    at_once = max(1, _MOST_SCORES // max(1, num_rows))
    return (places[start : start + at_once] for start in range(0, len(places), at_once))


@cache
def _multiply_in_one_thread() -> None:
    """Two threads wait for one another where another process has a core: .14 ms became 33 at p99 (docs/log.md)."""
    ThreadpoolController().select(internal_api="openblas").limit(limits=1)


def _among(rows: NDArray[np.int64], some: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """(R,) which of `rows` are in `some`, ascending and not empty."""
    places = np.minimum(np.searchsorted(some, rows), len(some) - 1)
    found: NDArray[np.bool_] = some[places] == rows
    return found
