"""Which rows have a value of a field, so that a scan finds them without reading a payload.

NAME.*.npy         value <-> number
NAME_ends.npy      (V + 1,) ends of each value's rows
NAME_rows.npy      rows, ascending for each value; a row stands under every value that it has
"""

from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

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


class Postings:
    """One field's values of one release, mapped into memory."""

    def __init__(self, folder: Path, name: str) -> None:
        self._ids = IdTable.load(folder, name)
        self._ends = np.asarray(np.load(folder / f"{name}_ends.npy", mmap_mode="r"))
        self._rows = np.asarray(np.load(folder / f"{name}_rows.npy", mmap_mode="r"))

    def values(self) -> Iterator[str]:
        """All values that any row has."""
        return map(self._ids.id_at, range(len(self._ids)))

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
        return [self._rows[self._ends[number] : self._ends[number + 1]] for number in numbers]
