"""Which rows pass a rule, told by the few distinct combinations of the fields that hard rules read.

facts.msgpack      each combination with the number of rows that have it, in a fixed order
fact_codes.npy     (N,) int32: the place of each row's combination in that order
"""

from array import array
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from embedding.rows.schema import Kind
from indexing.filters.algebra import All, AnyOf, Equals, Filter, HasId, NoneOf, OneOf, Range
from indexing.filters.predicate import predicate
from indexing.payload.payload import Payload

# A catalogue of 200,000 has 41,000 combinations at most (docs/log.md), a byte each for one condition.
_NUM_KEPT_CONDITIONS = 64
_NO_ROW = -1


class RuleCombination(Struct, frozen=True, array_like=True):
    """One combination of the fields that hard rules read."""

    kind: Kind
    explicit: int
    min_age: int
    availability_class: int
    languages: tuple[str, ...]


COMBINED_FIELDS = frozenset(RuleCombination.__struct_fields__)


class RuleCombinationsWriter:
    """Collects the combination of every row, in the order of the rows."""

    def __init__(self) -> None:
        self._code_of: dict[RuleCombination, int] = {}
        self._codes = array("i")

    def add(self, payloads: Iterable[Payload]) -> None:
        """Add a batch of rows."""
        for p in payloads:
            combination = RuleCombination(p.kind, p.explicit, p.min_age, p.availability_class, p.languages)
            self._codes.append(self._code_of.setdefault(combination, len(self._code_of)))

    def save(self, folder: Path) -> None:
        """Write both files; the same rows give the same bytes."""
        ranked = sorted(self._code_of, key=msgspec.msgpack.encode)
        codes = np.frombuffer(self._codes, dtype=np.int32)
        place = np.empty(len(ranked), dtype=np.int32)
        place[[self._code_of[combination] for combination in ranked]] = np.arange(len(ranked), dtype=np.int32)
        codes = place[codes]
        counts = Counter(codes.tolist())
        table = [(combination, counts[code]) for code, combination in enumerate(ranked)]
        (folder / "facts.msgpack").write_bytes(msgspec.msgpack.encode(table))
        np.save(folder / "fact_codes.npy", codes)


class RuleCombinations:
    """The combinations of one release, F of them; asked with filters over `COMBINED_FIELDS` alone."""

    def __init__(self, table: list[tuple[RuleCombination, int]], codes: NDArray[np.int32]) -> None:
        self.distinct = [combination for combination, _ in table]
        self.counts = np.array([count for _, count in table], dtype=np.int64)
        self._codes = codes
        self._fields = {
            name: _Field([getattr(combination, name) for combination in self.distinct]) for name in COMBINED_FIELDS
        }
        self._condition = lru_cache(_NUM_KEPT_CONDITIONS)(self._condition_mask)

    @classmethod
    def load(cls, folder: Path) -> "RuleCombinations":
        """What `RuleCombinationsWriter.save` wrote; the codes stay on the disk until they are asked for."""
        table = msgspec.msgpack.decode((folder / "facts.msgpack").read_bytes(), type=list[tuple[RuleCombination, int]])
        return cls(table, np.asarray(np.load(folder / "fact_codes.npy", mmap_mode="r")))

    def taken(self, rows: NDArray[np.int32]) -> "RuleCombinations":
        """The same for other points, P of them: `rows` (P,) says of which row here each has the combination."""
        codes = self._codes[rows]
        counts = np.bincount(codes, minlength=len(self.distinct))
        there = np.flatnonzero(counts)
        place = np.full(len(self.distinct), _NO_ROW, dtype=np.int32)
        place[there] = np.arange(len(there), dtype=np.int32)
        return RuleCombinations([(self.distinct[code], int(counts[code])) for code in there], place[codes])

    def mask(self, where: Filter) -> NDArray[np.bool_]:
        """(F,) which combinations pass; ValueError for a condition on anything else than `COMBINED_FIELDS`."""
        match where:
            case All():
                return self._joined(np.logical_and, where.parts, empty=True)
            case AnyOf():
                return self._joined(np.logical_or, where.parts, empty=False)
            case NoneOf():
                return ~self._joined(np.logical_or, where.parts, empty=False)
            case Equals() | OneOf() | Range():
                return self._condition(where)
            case HasId():
                raise ValueError("a combination stands for many rows: it cannot be asked for row numbers")

    def sums_by_kind(self, rows: NDArray[np.integer[Any]], weights: NDArray[np.floating[Any]]) -> dict[Kind, float]:
        """`weights` (R,) of `rows` (R,) added up by kind, for each kind that is among them."""
        kinds = self._fields["kind"]
        places = kinds.codes[self._codes[rows]]
        sums = np.bincount(places, weights, len(kinds.values)).tolist()
        return {kinds.values[place]: sums[place] for place in set(places.tolist())}

    def of_row(self, row: int) -> RuleCombination:
        """The combination of one row."""
        return self.distinct[int(self._codes[row])]

    def rows(self, mask: NDArray[np.bool_]) -> NDArray[np.int64]:
        """The rows, ascending, of the combinations in `mask` (F,)."""
        return np.flatnonzero(mask[self._codes])

    def spread(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(N,) which rows have one of the combinations in `mask` (F,)."""
        return mask[self._codes]

    def among(self, rows: NDArray[np.integer[Any]], mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(R,) which of `rows` (R,) have one of the combinations in `mask` (F,)."""
        those: NDArray[np.bool_] = mask[self._codes[rows]]
        return those

    def counts_in(self, mask: NDArray[np.bool_]) -> NDArray[np.int64]:
        """(F,) how many of the rows in `mask` (N,) have each combination."""
        counts: NDArray[np.int64] = np.bincount(self._codes[mask], minlength=len(self.distinct))
        return counts

    def by_value(self, field: str, counts: NDArray[np.int64]) -> dict[Any, int]:
        """`counts` (F,) of combinations added up by their values of a field."""
        told = self._fields[field]
        summed = np.zeros(len(told.values), np.int64)
        np.add.at(summed, told.codes, counts)
        return dict(zip(told.values, summed.tolist(), strict=True))

    def share(self, where: Filter) -> float:
        """Part of all rows (0 to 1) that passes."""
        total = int(self.counts.sum())
        return int(self.counts[self.mask(where)].sum()) / total if total else 0.0

    def _joined(self, join: np.ufunc, parts: tuple[Filter, ...], *, empty: bool) -> NDArray[np.bool_]:
        joined = np.full(len(self.distinct), empty)
        for part in parts:
            join(joined, self.mask(part), out=joined)
        return joined

    def _condition_mask(self, where: Equals | OneOf | Range) -> NDArray[np.bool_]:
        if where.field not in self._fields:
            raise ValueError(f"expected a condition on one of {sorted(COMBINED_FIELDS)}, one on {where.field!r} came")
        field = self._fields[where.field]
        # The re-check's own reading of the condition, once for each value that occurs.
        passes = predicate(where)
        values = (passes(_NO_ROW, replace(_BLANK, **{where.field: value})) for value in field.values)
        return np.fromiter(values, dtype=np.bool_, count=len(field.values))[field.codes]


class _Field:
    """The distinct `values` of one field, and for each combination the place of its own among them."""

    def __init__(self, values: list[object]) -> None:
        place = {value: number for number, value in enumerate(dict.fromkeys(values))}
        self.values = list(place)
        self.codes = np.array([place[value] for value in values], dtype=np.int64)


_BLANK = Payload(
    id="",
    kind="track",
    title="",
    creator="",
    creators=(),
    album=None,
    tags=(),
    language=None,
    duration_s=None,
    published_at=None,
    explicit=0,
    min_age=0,
    popularity=0.0,
    availability_class=0,
    languages=(),
    creator_keys=(),
    extra={},
)
