"""The exact plan that needs no engine: score the rows that a context allows, straight from the columns.

Which rows those are is worked out once a context; where there is room, their vectors are kept side by side as well.
"""

from collections import OrderedDict
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from embedding.protocols import Vectors
from indexing.columns import PointRows
from indexing.facts import FACT_FIELDS
from indexing.field_columns import PointFields
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
# Rows gathered at a time: 256 KB at 64-d stay in the cache until they are scored (50,000 rows .55 ms, at once 1.3).
_CHUNK = 1_024
# Reading every row in order costs 7 ns a row, gathering some 27 ns each (1,000,000 x 64).
_READ_ALL_FROM = 0.25
# So many times the rows wanted are looked at first where some are to be left out.
_WITHOUT_SPARE = 2
# Scores of which the best stands for all, and how many such groups there must be for each hit that is asked for.
_GROUP, _GROUPS_PER_HIT = 64, 4


class ColumnScan:
    """Finds the nearest rows of one release without fail; ties go to the lower row.

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
    ) -> Ranked:
        """The `limit` rows nearest to `vector` (dims,) in the space `using` that pass `compiled.filter`.

        Rows `without` which it is wanted, ascending and not none, are taken out by number before anything is ranked.
        """
        known = self._knowledge(compiled)
        allowed = self._allowed_rows(known)
        scores = self._scores(allowed, using, vector)
        if len(known.blocked):
            if known.blocked_places is None:
                known.blocked_places = allowed.places(known.blocked)
            scores[known.blocked_places] = -np.inf
        if without is not None:
            best = _top(scores, _WITHOUT_SPARE * limit)
            best = best[~_among(best if allowed.rows is None else allowed.rows[best], without)]
            if len(best) >= limit:
                return allowed.ranked(scores, best[:limit])
            # They lie thick where the best are: taken out of all scores, by a byte for each row; searching for each of
            # them among the rows allowed takes longer (docs/log.md).
            gone = np.zeros(len(self._columns), dtype=np.bool_)
            gone[without] = True
            np.putmask(scores, gone if allowed.rows is None else gone[allowed.rows], -np.inf)
        return allowed.ranked(scores, _top(scores, limit))

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

    def _scores(self, allowed: "_Allowed", using: str, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        vectors = self._columns.vectors(using)
        if allowed.rows is None:
            return vectors @ vector
        block = allowed.blocks.get(using)
        if block is None and allowed.num_rows * vectors[:1].nbytes <= _BLOCK_BYTES:
            block = allowed.blocks[using] = vectors.take(allowed.rows, axis=0)
            self._make_room()
        if block is not None:
            return block @ vector
        if allowed.num_rows >= _READ_ALL_FROM * len(vectors):
            return (vectors @ vector)[allowed.rows]
        return _gathered_scores(vectors, allowed.rows, vector)

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

    @property
    def nbytes(self) -> int:
        return sum(block.nbytes for block in self.blocks.values()) + (0 if self.rows is None else self.rows.nbytes)

    def row(self, at: int) -> int:
        return at if self.rows is None else int(self.rows[at])

    def places(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Where those of `rows` stand that are among these."""
        if self.rows is None or not len(self.rows):
            return rows if self.rows is None else self.rows
        places: NDArray[np.int64] = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        found: NDArray[np.int64] = places[self.rows[places] == rows]
        return found

    def ranked(self, scores: NDArray[np.float32], top: NDArray[np.int64]) -> Ranked:
        rows = top if self.rows is None else self.rows[top]
        return Ranked(rows.tolist(), scores[top].tolist())


@cache
def _multiply_in_one_thread() -> None:
    """Two threads wait for one another where another process has a core: .14 ms became 33 at p99 (docs/log.md)."""
    ThreadpoolController().select(internal_api="openblas").limit(limits=1)


def _among(rows: NDArray[np.int64], some: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """(R,) which of `rows` are in `some`, ascending and not empty."""
    places = np.minimum(np.searchsorted(some, rows), len(some) - 1)
    found: NDArray[np.bool_] = some[places] == rows
    return found


def _gathered_scores(vectors: Vectors, rows: NDArray[np.int64], vector: NDArray[np.float32]) -> NDArray[np.float32]:
    scores = np.empty(len(rows), dtype=np.float32)
    buffer = np.empty((_CHUNK, vectors.shape[1]), dtype=np.float32)
    for start in range(0, len(rows), _CHUNK):
        part = rows[start : start + _CHUNK]
        # `clip`: with `raise` numpy would gather into a copy first.
        np.take(vectors, part, axis=0, out=buffer[: len(part)], mode="clip")
        np.dot(buffer[: len(part)], vector, out=scores[start : start + len(part)])
    return scores


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


def _low_enough(scores: NDArray[np.float32], limit: int) -> np.float32:
    """A score that at least `limit` reach, and few more: the `limit`-th of the best of groups, where there are many."""
    num_groups = len(scores) // _GROUP
    if num_groups > _GROUPS_PER_HIT * limit:
        # Strided groups: the maximum runs along whole rows (57,000 scores, limit 20: 12 us, their partition 35).
        scores = scores[: num_groups * _GROUP].reshape(_GROUP, num_groups).max(axis=0)
    low: np.float32 = np.partition(scores, len(scores) - limit)[len(scores) - limit]
    return low


def _top(scores: NDArray[np.float32], limit: int) -> NDArray[np.int64]:
    """Places of the `limit` largest, best first and the earlier one of equals first, so that 20 begin with the 10;
    none of those that were taken out, whose score is minus infinity."""
    places = np.flatnonzero(scores >= _low_enough(scores, limit)) if len(scores) > limit else np.arange(len(scores))
    ranked = places[np.argsort(-scores[places], kind="stable")][:limit]
    return ranked[scores[ranked] > -np.inf]
