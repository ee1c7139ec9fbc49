"""Which rows the rules of a request let pass, worked out once a context; where there is room, with their vectors."""

from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedding.protocols import Vectors
from indexing.columns.field_columns import PointFields
from indexing.columns.rule_combinations import COMBINED_FIELDS
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


class AllowedRows:
    """Rows in ascending order, None for all of them, and for some spaces their vectors side by side."""

    def __init__(self, rows: NDArray[np.int64] | None, num_all: int) -> None:
        self.rows = rows
        self.num_rows = num_all if rows is None else len(rows)
        self.blocks: dict[str, Vectors] = {}
        self._num_all = num_all
        self._place_of: NDArray[np.int32] | None = None

    @property
    def nbytes(self) -> int:
        """What is kept of them."""
        parts = (self.rows, self._place_of, *self.blocks.values())
        return sum(part.nbytes for part in parts if part is not None)

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
        """The rows at some places, with their scores."""
        rows = places if self.rows is None else self.rows[places]
        return Ranked(rows.tolist(), scores.tolist())


# The combinations that pass, and the conditions that they do not tell.
_Key = tuple[bytes, tuple[Filter, ...]]


class KnownContext:
    """What was found out of a context: `find` gives the rows that pass (None: all), of which `blocked` go."""

    def __init__(self, key: _Key, find: Callable[[], NDArray[np.int64] | None], blocked: NDArray[np.int64]) -> None:
        self.key, self.find, self.blocked = key, find, blocked
        self.blocked_places: NDArray[np.int64] | None = None


class RowsByContext:
    """The rows of one collection of `num_all` that each context lets pass; the latest are kept, in bounded memory."""

    def __init__(self, fields: PointFields, num_all: int) -> None:
        self._fields, self._num_all = fields, num_all
        self.known = lru_cache(_NUM_KNOWN)(self._look)
        """What was found out of a compiled context."""
        self._allowed: OrderedDict[_Key, AllowedRows] = OrderedDict()

    def allowed(self, known: KnownContext) -> AllowedRows:
        """The rows that pass but for the blocklists: those of blocked creators are among them."""
        allowed = self._allowed.get(known.key)
        if allowed is None:
            allowed = self._allowed[known.key] = AllowedRows(known.find(), self._num_all)
            self.make_room()
        else:
            self._allowed.move_to_end(known.key)
        return allowed

    def block(self, allowed: AllowedRows, space: str, vectors: Vectors) -> Vectors | None:
        """Of the `vectors` (N, dims) of a space those of some rows side by side; None where they are too many."""
        block = allowed.blocks.get(space)
        if block is None and allowed.rows is not None and allowed.num_rows * vectors[:1].nbytes <= _BLOCK_BYTES:
            block = allowed.blocks[space] = vectors.take(allowed.rows, axis=0)
            self.make_room()
        return block

    def make_room(self) -> None:
        """Forget the contexts that were not asked for longest, once all that is kept has grown too large."""
        kept = sum(len(key[0]) + one.nbytes for key, one in self._allowed.items())
        while kept > _KEPT_BYTES and len(self._allowed) > 1:
            key, oldest = self._allowed.popitem(last=False)
            kept -= len(key[0]) + oldest.nbytes

    def _look(self, compiled: CompiledContext) -> KnownContext:
        told, blocked, rest = split_conditions(compiled.filter)
        combinations = self._fields.combinations
        mask = combinations.mask(All(told))

        def find() -> NDArray[np.int64] | None:
            if rest:
                return np.flatnonzero(self._fields.mask(All((*told, *rest))))
            return None if mask.all() else combinations.rows(mask)

        # Contexts that let the same combinations pass share their rows: those of users who block a creator, too.
        return KnownContext((mask.tobytes(), rest), find, self._fields.creators.rows(blocked))


def split_conditions(where: Filter) -> tuple[tuple[Filter, ...], frozenset[str], tuple[Filter, ...]]:
    """The conditions that the rule combinations tell of, the creators that none may have, and all others."""
    told: list[Filter] = []
    rest: list[Filter] = []
    blocked: set[str] = set()
    for part in where.parts if isinstance(where, All) else (where,):
        match part:
            case _ if fields_of(part) <= COMBINED_FIELDS:
                told.append(part)
            case NoneOf(parts=(OneOf(field="creator_keys", values=keys),)):
                blocked.update(map(str, keys))
            case _:
                rest.append(part)
    return tuple(told), frozenset(blocked), tuple(rest)
