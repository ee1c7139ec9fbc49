"""The plans that need no engine: score the rows that a context allows, straight from the columns, in full or narrowly.

Which rows those are is worked out once a context; where there is room, their vectors are kept side by side as well.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
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
from indexing.columns.rule_combinations import FACT_FIELDS
from indexing.columns.scoring import best, gathered_scores, one_by_one, scores_of
from indexing.filters.algebra import All, Filter, NoneOf, OneOf, fields_of
from indexing.rules.compiled import CompiledContext
from indexing.stores.contract import Ranked

# As many contexts as the rules keep compiled.
_NUM_KNOWN = 256
# Row lists and vectors kept, for one process: the vectors of ten contexts that each pass 5 % of a million 64-d rows.
_KEPT_BYTES = 128 << 20
# Vectors side by side are read 4 to 9 times as fast as gathered (1,000,000 x 64, 10 %: .33 ms against 3.0); a larger
# block would leave no room for others.
_BLOCK_BYTES = _KEPT_BYTES // 4
# Reading every row in order costs 7 ns a row, gathering some 27 ns each (1,000,000 x 64).
_READ_ALL_FROM = 0.25
# So many times the rows wanted are looked at first where some are to be left out.
_WITHOUT_SPARE = 2
# So many are scored in full of the best by their first components, and as many more for each hit: of real
# texts they hold .99 of what is nearest (docs/log.md).
_LOOKED_AT, _LOOKED_AT_A_HIT = 800, 8
# Of fewer rows for each of those, a scan in full takes no longer.
_ROWS_LOOKED_AT = 4
# Scores at once: what several vectors have in common is read once for all of them, as long as it stays in bounds.
_MOST_SCORES = 4 << 20


class Wanted(Struct, frozen=True):
    """The `limit` rows nearest to `vector` (dims,) in the space `using` that pass `compiled.filter`.

    Rows `without` which they are wanted, ascending and not none, are taken out by number before anything is ranked.
    `narrowly`: only the best by their first principal components are scored in full, so that some may be missed; what
    has no such components, or is few, is scored in full.
    """

    vector: NDArray[np.float32]
    using: str
    compiled: CompiledContext
    limit: int
    without: NDArray[Any] | None = None
    narrowly: bool = False


class ColumnScan:
    """Finds the nearest rows of one release, without fail unless asked to look narrowly; ties go to the lower row.

    From the first one on, numpy multiplies in one thread in this process.
    """

    def __init__(self, columns: PointRows, fields: PointFields) -> None:
        _multiply_in_one_thread()
        self._columns, self._fields = columns, fields
        # By identity, as hashing a compiled context would walk its filter; holding it keeps the identity its own.
        self._known: OrderedDict[int, _Known] = OrderedDict()
        self._allowed: OrderedDict[_Key, _Allowed] = OrderedDict()

    def nearest(
        self,
        vector: NDArray[np.float32],
        *,
        using: str,
        compiled: CompiledContext,
        limit: int,
        without: NDArray[Any] | None = None,
        narrowly: bool = False,
    ) -> Ranked:
        """What is `Wanted`."""
        return self.nearest_of([Wanted(vector, using, compiled, limit, without, narrowly)])[0]

    def nearest_of(self, wanted: Sequence["Wanted"]) -> list[Ranked]:
        """The answers in the order of `wanted`, each as if it were alone; those that may show the same rows are scored
        together.

        Narrowly, what is scored in full is told by products whose last bits differ with who else asked: a row at the
        very edge of it may be there or not.
        """
        known = [self._knowledge(one.compiled) for one in wanted]
        allowed = [self._allowed_rows(one) for one in known]
        narrow = [self._narrow(one, rows) for one, rows in zip(wanted, allowed, strict=True)]
        if len(wanted) == 1:
            # There is nothing to sort out: a fifth of what a scan of a small release takes.
            scores = self._scores(allowed[0], wanted[0].using, wanted[0].vector[np.newaxis], narrow[0])
            return [self._ranked(wanted[0], known[0], allowed[0], scores[0], narrow[0])]
        alike: dict[tuple[int, str, bool], list[int]] = {}
        for place, one in enumerate(wanted):
            alike.setdefault((id(allowed[place]), one.using, narrow[place] is None), []).append(place)
        found: dict[int, Ranked] = {}
        for places in alike.values():
            rows, using, how = allowed[places[0]], wanted[places[0]].using, narrow[places[0]]
            for some in _in_bounds(places, rows.num_rows):
                scores = self._scores(rows, using, np.array([wanted[place].vector for place in some], np.float32), how)
                for place, of_one in zip(some, scores, strict=True):
                    found[place] = self._ranked(wanted[place], known[place], rows, of_one, how)
        return [found[place] for place in range(len(wanted))]

    def misses_nothing(self, one: "Wanted") -> bool:
        """Whether all rows that pass are scored in full, wanted narrowly or not."""
        return self._narrow(one, self._allowed_rows(self._knowledge(one.compiled))) is None

    def _narrow(self, one: "Wanted", allowed: "_Allowed") -> PrincipalComponents | None:
        """By what the rows are scored first; None where all of them are scored in full."""
        if not one.narrowly or allowed.num_rows <= _ROWS_LOOKED_AT * _looked_at(one.limit):
            return None
        return self._columns.narrow(one.using)

    def _ranked(
        self,
        one: "Wanted",
        known: "_Known",
        allowed: "_Allowed",
        scores: NDArray[np.float32],
        narrow: PrincipalComponents | None,
    ) -> Ranked:
        exact = partial(self._exact, one, allowed)
        looked_at = one.limit if narrow is None else _looked_at(one.limit)
        if len(known.blocked):
            if known.blocked_places is None:
                known.blocked_places = allowed.places(known.blocked)
            scores[known.blocked_places] = -np.inf
        if one.without is not None:
            if narrow is None:
                places, values = best(scores, _WITHOUT_SPARE * one.limit, exact)
                kept = ~_among(places if allowed.rows is None else allowed.rows[places], one.without)
                if np.count_nonzero(kept) >= one.limit:
                    return allowed.ranked(places[kept][: one.limit], values[kept][: one.limit])
            # They lie thick where the best are, or would take the places of those that are looked at in full: they go
            # out of all scores.
            before = allowed.nbytes
            scores[allowed.places_of(one.without)] = -np.inf
            if allowed.nbytes > before:
                self._make_room()
        places, values = best(scores, looked_at, exact)
        return allowed.ranked(places[: one.limit], values[: one.limit])

    def _exact(self, one: "Wanted", allowed: "_Allowed", places: NDArray[np.int64]) -> NDArray[np.float32]:
        block = allowed.blocks.get(one.using)
        if block is not None:
            return one_by_one(block[places], one.vector)
        rows = places if allowed.rows is None else allowed.rows[places]
        return one_by_one(self._columns.vectors(one.using)[rows], one.vector)

    def passing_rows(self, compiled: CompiledContext) -> NDArray[np.int64]:
        """The rows, ascending, that pass but for the blocklists: those of blocked creators are among them."""
        rows = self._allowed_rows(self._knowledge(compiled)).rows
        return np.arange(len(self._columns)) if rows is None else rows

    def _knowledge(self, compiled: CompiledContext) -> "_Known":
        known = self._known.get(id(compiled))
        if known is None:
            known = self._known[id(compiled)] = self._look(compiled)
            if len(self._known) > _NUM_KNOWN:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(id(compiled))
        return known

    def _look(self, compiled: CompiledContext) -> "_Known":
        told, blocked, rest = parts_told(compiled.filter)
        mask = self._fields.facts.mask(All(told))

        def find() -> NDArray[np.int64] | None:
            if rest:
                return np.flatnonzero(self._fields.mask(All((*told, *rest))))
            return None if mask.all() else self._fields.facts.rows(mask)

        # Contexts that let the same combinations pass share their rows: those of users who block a creator, too.
        return _Known(compiled, (mask.tobytes(), rest), find, self._fields.creators.rows(blocked))

    def _allowed_rows(self, known: "_Known") -> "_Allowed":
        allowed = self._allowed.get(known.key)
        if allowed is None:
            allowed = self._allowed[known.key] = _Allowed(known.find(), len(self._columns))
            self._make_room()
        else:
            self._allowed.move_to_end(known.key)
        return allowed

    def _scores(
        self, allowed: "_Allowed", using: str, asked: Vectors, narrow: PrincipalComponents | None
    ) -> NDArray[np.float32]:
        """(Q, R) of the rows allowed for the vectors `asked` (Q, dims), in full or by what is `narrow` of both."""
        if narrow is None:
            vectors = self._columns.vectors(using)
        else:
            using, vectors, asked = f"{using}.narrow", narrow.vectors, asked @ narrow.axes
        if allowed.rows is None:
            return scores_of(vectors, asked)
        block = allowed.blocks.get(using)
        if block is None and allowed.num_rows * vectors[:1].nbytes <= _BLOCK_BYTES:
            block = allowed.blocks[using] = vectors.take(allowed.rows, axis=0)
            self._make_room()
        if block is not None:
            return scores_of(block, asked)
        if allowed.num_rows >= _READ_ALL_FROM * len(vectors):
            return scores_of(vectors, asked)[:, allowed.rows]
        return gathered_scores(vectors, allowed.rows, asked)

    def _make_room(self) -> None:
        kept = sum(len(key[0]) + one.nbytes for key, one in self._allowed.items())
        while kept > _KEPT_BYTES and len(self._allowed) > 1:
            key, oldest = self._allowed.popitem(last=False)
            kept -= len(key[0]) + oldest.nbytes


# What facts tell of a context, and the conditions that they do not.
_Key = tuple[bytes, tuple[Filter, ...]]


class _Known:
    """What was found out of a context: `find` gives the rows that pass (None: all), of which `blocked` go."""

    def __init__(
        self,
        compiled: CompiledContext,
        key: _Key,
        find: Callable[[], NDArray[np.int64] | None],
        blocked: NDArray[np.int64],
    ) -> None:
        self.compiled, self.key, self.find, self.blocked = compiled, key, find, blocked
        self.blocked_places: NDArray[np.int64] | None = None


class _Allowed:
    """Rows in ascending order, None for all of them, and for some spaces their vectors side by side."""

    def __init__(self, rows: NDArray[np.int64] | None, num_all: int) -> None:
        self.rows = rows
        self.num_rows = num_all if rows is None else len(rows)
        self.blocks: dict[str, Vectors] = {}
        self._num_all = num_all
        self._place_of: NDArray[np.int32] | None = None

    @property
    def nbytes(self) -> int:
        parts = (self.rows, self._place_of, *self.blocks.values())
        return sum(part.nbytes for part in parts if part is not None)

    def row(self, at: int) -> int:
        return at if self.rows is None else int(self.rows[at])

    def places(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Where those of `rows` stand that are among these."""
        if self.rows is None or not len(self.rows):
            return rows if self.rows is None else self.rows
        places: NDArray[np.int64] = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        found: NDArray[np.int64] = places[self.rows[places] == rows]
        return found

    def places_of(self, rows: NDArray[Any]) -> NDArray[Any]:
        """The same for many rows, by a place for each row that there is, which is made once: searching for each takes
        five times as long (docs/log.md)."""
        if self.rows is None:
            return rows
        if self._place_of is None:
            self._place_of = np.full(self._num_all, -1, dtype=np.int32)
            self._place_of[self.rows] = np.arange(len(self.rows), dtype=np.int32)
        places: NDArray[np.int32] = self._place_of[rows]
        found: NDArray[np.int32] = places[places >= 0]
        return found

    def ranked(self, places: NDArray[np.int64], scores: NDArray[np.float32]) -> Ranked:
        rows = places if self.rows is None else self.rows[places]
        return Ranked(rows.tolist(), scores.tolist())


def _looked_at(limit: int) -> int:
    return _LOOKED_AT + _LOOKED_AT_A_HIT * limit


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


def parts_told(where: Filter) -> tuple[tuple[Filter, ...], frozenset[str], tuple[Filter, ...]]:
    """The conditions that facts tell of, the creators that none may have, and all others."""
    told: list[Filter] = []
    rest: list[Filter] = []
    blocked: set[str] = set()
    for part in where.parts if isinstance(where, All) else (where,):
        match part:
            case _ if fields_of(part) <= FACT_FIELDS:
                told.append(part)
            case NoneOf(parts=(OneOf(field="creator_keys", values=keys),)):
                blocked.update(map(str, keys))
            case _:
                rest.append(part)
    return tuple(told), frozenset(blocked), tuple(rest)
