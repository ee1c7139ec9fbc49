"""Which rows pass a filter, whatever it asks: told by columns of each field's values, never payload by payload.

facts.msgpack, fact_codes.npy   fields of few combinations (indexing/columns/rule_combinations.py)
creator_keys*, tags*            rows by value (indexing/columns/postings.py), and so is every `extra.keyword.NAME`
duration_s.npy, published_at.npy, extra.integer.NAME.npy, extra.float.NAME.npy
                                (N,) float64, NaN where a row has none
published_fraction_us.npy       the same; missing where no row has one
"""

from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from indexing.columns.fractions import FRACTIONS, load_column, load_fractions
from indexing.columns.postings import MarksRows, Postings, PostingsWriter, RowsOf
from indexing.columns.rule_combinations import COMBINED_FIELDS, RuleCombinations, RuleCombinationsWriter
from indexing.filters.algebra import All, AnyOf, Equals, Filter, HasId, NoneOf, OneOf, Range, fields_of
from indexing.payload.payload import MOST_INTEGER, Payload, checked_extra, extra_of, extra_value

_LISTS = ("creator_keys", "tags")
_NUMBERS = ("duration_s", "published_at", FRACTIONS)
# Masks of conditions that are kept for one process: 32 of a million rows.
_KEPT_BYTES = 32 << 20
_MOST_KEPT = 256


class FieldColumnsWriter:
    """Collects the fields of every row, in the order of the rows; `extra_fields` are those that a build indexes."""

    def __init__(self, extra_fields: Iterable[str] = ()) -> None:
        self._combinations = RuleCombinationsWriter()
        self._lists = {name: PostingsWriter() for name in _LISTS}
        self._numbers = {name: array("d") for name in _NUMBERS}
        self._extra = {field: checked_extra(field) for field in sorted(extra_fields)}
        for field, (_, field_type) in self._extra.items():
            if field_type == "keyword":
                self._lists[field] = PostingsWriter()
            else:
                self._numbers[field] = array("d")

    def add(self, payloads: Sequence[Payload]) -> None:
        """Add a batch of rows."""
        self._combinations.add(payloads)
        for payload in payloads:
            for name in _LISTS:
                # A row may name a tag twice.
                self._lists[name].add(dict.fromkeys(getattr(payload, name)))
            for name in _NUMBERS:
                value = getattr(payload, name)
                self._numbers[name].append(np.nan if value is None else value)
            for field, (name, field_type) in self._extra.items():
                found = extra_value(payload.extra, name, field_type)
                if field_type == "keyword":
                    self._lists[field].add(() if found is None else (str(found),))
                else:
                    self._numbers[field].append(np.nan if found is None else float(found))

    def save(self, folder: Path) -> None:
        """Write all files; the same rows give the same bytes."""
        self._combinations.save(folder)
        for name, postings in self._lists.items():
            postings.save(folder, name)
        for name, numbers in self._numbers.items():
            column = np.array(numbers, dtype=np.float64)
            if name != FRACTIONS or not np.isnan(column).all():
                np.save(folder / f"{name}.npy", column)


class PointFields(Protocol):
    """Tells which of a collection's N points pass a filter."""

    @property
    def combinations(self) -> RuleCombinations:
        """The combinations of what most rules read."""

    @property
    def creators(self) -> RowsOf:
        """The points of each creator, in the form that blocklists compare."""

    def mask(self, where: Filter) -> NDArray[np.bool_]:
        """(N,) which points pass; not to be written to."""

    def share(self, where: Filter) -> float:
        """Part of all points (0 to 1) that passes."""


class FieldColumns:
    """The fields of one release's N rows, mapped into memory; a file is opened when it is first asked for."""

    def __init__(self, folder: Path, creators: MarksRows | None = None) -> None:
        """`creators`: which rows each creator has, where that is not what the folder says."""
        self._folder = folder
        self.combinations = RuleCombinations.load(folder)
        self._num_rows = int(self.combinations.counts.sum())
        self._opened: dict[str, MarksRows] = {} if creators is None else {"creator_keys": creators}
        self._numbers: dict[str, NDArray[np.float64]] = {}
        num_kept = min(_MOST_KEPT, max(1, _KEPT_BYTES // max(1, self._num_rows)))
        self._condition = lru_cache(num_kept)(self._condition_mask)

    def __len__(self) -> int:
        return self._num_rows

    @property
    def creators(self) -> MarksRows:
        """The rows of each creator, in the form that blocklists compare."""
        return self._postings("creator_keys")

    @property
    def tags(self) -> Postings:
        """The rows of each tag."""
        return self._postings("tags").whole

    def mask(self, where: Filter) -> NDArray[np.bool_]:
        """(N,) which rows pass; not to be written to."""
        if not isinstance(where, HasId) and fields_of(where) <= COMBINED_FIELDS:
            return self.combinations.spread(self.combinations.mask(where))
        match where:
            case All():
                return self._joined(np.logical_and, where.parts, empty=True)
            case AnyOf():
                return self._joined(np.logical_or, where.parts, empty=False)
            case NoneOf():
                return ~self._joined(np.logical_or, where.parts, empty=False)
            case HasId():
                mask = np.zeros(self._num_rows, dtype=np.bool_)
                mask[[row for row in where.rows if row < self._num_rows]] = True
                return mask
            case _:
                return self._condition(where)

    def share(self, where: Filter) -> float:
        """Part of all rows (0 to 1) that passes."""
        if fields_of(where) <= COMBINED_FIELDS:
            return self.combinations.share(where)
        return float(np.count_nonzero(self.mask(where))) / self._num_rows if self._num_rows else 0.0

    def _joined(self, join: np.ufunc, parts: tuple[Filter, ...], *, empty: bool) -> NDArray[np.bool_]:
        joined = np.full(self._num_rows, empty)
        # All that the combinations tell is asked of them at once.
        told = tuple(part for part in parts if not isinstance(part, HasId) and fields_of(part) <= COMBINED_FIELDS)
        if told:
            joined = self.combinations.spread(
                self.combinations.mask(All(told) if join is np.logical_and else AnyOf(told))
            )
        for part in parts:
            if part not in told:
                join(joined, self.mask(part), out=joined)
        return joined

    def _condition_mask(self, where: Equals | OneOf | Range) -> NDArray[np.bool_]:
        if isinstance(where, Range):
            return _within(where, self._values(where.field))
        values = where.values if isinstance(where, OneOf) else frozenset((where.value,))
        extra = extra_of(where.field)
        if where.field in _LISTS or (extra is not None and extra[1] == "keyword"):
            mask = np.zeros(self._num_rows, dtype=np.bool_)
            self._postings(where.field).mark(map(str, values), mask)
            return mask
        # Beyond what float64 tells apart no row has a number (payload.extra_value).
        return np.isin(self._values(where.field), _exact(values))

    def _postings(self, field: str) -> MarksRows:
        if field not in self._opened:
            self._opened[field] = Postings.load(self._folder, field)
        return self._opened[field]

    def _values(self, field: str) -> NDArray[np.float64]:
        if field not in self._numbers:
            column = load_fractions(self._folder) if field == FRACTIONS else load_column(self._folder, field)
            self._numbers[field] = np.broadcast_to(np.nan, self._num_rows) if column is None else column
        return self._numbers[field]


def _exact(values: Iterable[str | int]) -> list[float]:
    return [float(value) for value in values if abs(int(value)) <= MOST_INTEGER]


def _within(where: Range, numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
    # A NaN lies in no range, also in one without bounds.
    mask = ~np.isnan(numbers)
    for compare, bound in (
        (np.greater, where.gt),
        (np.greater_equal, where.gte),
        (np.less, where.lt),
        (np.less_equal, where.lte),
    ):
        if bound is not None:
            mask &= compare(numbers, bound)
    return mask
