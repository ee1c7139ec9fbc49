"""Which rows have a value of a field, so that a scan finds them without reading a payload.

NAME.*.npy         value <-> number
NAME_ends.npy      (V + 1,) ends of each value's rows
NAME_rows.npy      rows, ascending for each value; a row stands under every value that it has
"""

from array import array
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from embedding.rows.id_table import IdTable, IdTableBuilder


class PostingsWriter:
    """Collects one field's values of every row, in the order of the rows."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._ids = IdTableBuilder()
        self._values, self._rows = array("i"), array("i")
        self._num_rows = 0

    def add(self, values: Iterable[str]) -> None:
        """Add the next row; none of its values comes twice."""
        for value in values:
            number = self._numbers.get(value)
            if number is None:
                number = self._numbers[value] = self._ids.add(value)
            self._values.append(number)
            self._rows.append(self._num_rows)
        self._num_rows += 1

    def save(self, folder: Path, name: str) -> None:
        """Write all files; the same rows give the same bytes."""
        values, rows = np.array(self._values, dtype=np.int32), np.array(self._rows, dtype=np.int32)
        ends = np.zeros(len(self._numbers) + 1, dtype=np.int64)
        np.cumsum(np.bincount(values, minlength=len(self._numbers)), out=ends[1:])
        self._ids.finish().save(folder, name)
        np.save(folder / f"{name}_ends.npy", ends)
        np.save(folder / f"{name}_rows.npy", rows[np.argsort(values, kind="stable")])


class RowsOf(Protocol):
    """Tells which points have a value."""

    def rows(self, values: Iterable[str]) -> NDArray[np.int64]:
        """The rows, ascending, that have any of the values."""


class MarksRows(RowsOf, Protocol):
    """Tells it of all rows at once, too."""

    def mark(self, values: Iterable[str], mask: NDArray[np.bool_]) -> None:
        """Set those rows in `mask` (N,)."""

    @property
    def whole(self) -> "Postings":
        """All values with their rows."""


class Postings(MarksRows):
    """One field's V values of one release, each with its rows; none is without."""

    def __init__(self, values: IdTable, ends: NDArray[np.int64], rows: NDArray[np.int32]) -> None:
        self._ids, self._ends, self._rows = values, ends, rows

    @classmethod
    def load(cls, folder: Path, name: str) -> "Postings":
        """What `PostingsWriter.save` wrote, mapped into memory."""

        def column(part: str) -> NDArray[Any]:
            return np.asarray(np.load(folder / f"{name}_{part}.npy", mmap_mode="r"))

        return cls(IdTable.load(folder, name), column("ends"), column("rows"))

    @property
    def whole(self) -> "Postings":
        """As MarksRows."""
        return self

    def values(self) -> Iterator[str]:
        """All values that any row has."""
        return map(self._ids.id_at, range(len(self._ids)))

    def __len__(self) -> int:
        return len(self._ids)

    def number(self, value: str) -> int:
        """The number of a value, -1 for one that no row has."""
        return self._ids.find(value)

    def value(self, number: int) -> str:
        """The value of a number."""
        return self._ids.id_at(number)

    def rows_at(self, number: int) -> NDArray[np.int32]:
        """The rows, ascending, that have the value of a number."""
        return self._rows[self._ends[number] : self._ends[number + 1]]

    @cached_property
    def places(self) -> NDArray[np.int32]:
        """(V,) where each value stands among all of them in their order as texts."""
        order = sorted(range(len(self)), key=self.value)
        places = np.empty(len(self), np.int32)
        places[order] = np.arange(len(self), dtype=np.int32)
        return places

    @cached_property
    def rows_of_any(self) -> NDArray[np.int32]:
        """The rows, ascending, that have a value at all."""
        return np.unique(self._rows)

    def counts(self, mask: NDArray[np.bool_]) -> NDArray[np.int64]:
        """(V,) how many of the rows in `mask` (N,) have each value."""
        if not len(self):
            return np.zeros(0, np.int64)
        # No value is without a row: each sum is over its own rows alone.
        return np.add.reduceat(mask[self._rows], self._ends[:-1], dtype=np.int64)

    def most(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """(V,) the greatest of `values` (N,) among the rows that have each value."""
        return np.maximum.reduceat(values[self._rows], self._ends[:-1]) if len(self) else np.zeros(0, np.float32)

    def rows(self, values: Iterable[str]) -> NDArray[np.int64]:
        """The rows, ascending, that have any of the values; those that no row has have none."""
        parts = self._parts(values)
        return np.unique(np.concatenate(parts)).astype(np.int64) if parts else np.empty(0, dtype=np.int64)

    def mark(self, values: Iterable[str], mask: NDArray[np.bool_]) -> None:
        """Set those rows in `mask` (N,)."""
        for part in self._parts(values):
            mask[part] = True

    def _parts(self, values: Iterable[str]) -> list[NDArray[np.int32]]:
        numbers = [number for number in map(self._ids.find, values) if number >= 0]
        return [self.rows_at(number) for number in numbers]
