"""Which rows each creator has, so that a scan leaves blocked ones out without reading a payload.

creators.*.npy         creator, in the form that blocklists compare <-> number
creator_ends.npy       (C + 1,) ends of each creator's rows
creator_rows.npy       rows, ascending for each creator; a row stands under every creator that it has
"""

from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from embedding.id_table import IdTable, IdTableBuilder
from indexing.payload import Payload


class CreatorsWriter:
    """Collects the creators of every row, in the order of the rows."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._ids = IdTableBuilder()
        self._creators, self._rows = array("i"), array("i")
        self._num_rows = 0

    def add(self, payloads: Iterable[Payload]) -> None:
        """Add a batch of rows."""
        for payload in payloads:
            for key in payload.creator_keys:
                number = self._numbers.get(key)
                if number is None:
                    number = self._numbers[key] = self._ids.add(key)
                self._creators.append(number)
                self._rows.append(self._num_rows)
            self._num_rows += 1

    def save(self, folder: Path) -> None:
        """Write all files; the same rows give the same bytes."""
        creators, rows = np.array(self._creators, dtype=np.int32), np.array(self._rows, dtype=np.int32)
        ends = np.zeros(len(self._numbers) + 1, dtype=np.int64)
        np.cumsum(np.bincount(creators, minlength=len(self._numbers)), out=ends[1:])
        self._ids.finish().save(folder, "creators")
        np.save(folder / "creator_ends.npy", ends)
        np.save(folder / "creator_rows.npy", rows[np.argsort(creators, kind="stable")])


class CreatorRows(Protocol):
    """Tells which points the creators have."""

    def rows(self, keys: Iterable[str]) -> NDArray[np.int64]:
        """The rows, ascending, that have any of the creators."""


class Creators:
    """The creators of one release, mapped into memory."""

    def __init__(self, folder: Path) -> None:
        self._ids = IdTable.load(folder, "creators")
        self._ends = np.asarray(np.load(folder / "creator_ends.npy", mmap_mode="r"))
        self._rows = np.asarray(np.load(folder / "creator_rows.npy", mmap_mode="r"))

    def rows(self, keys: Iterable[str]) -> NDArray[np.int64]:
        """The rows, ascending, that have any of the creators; those that nobody knows have none."""
        numbers = [number for number in map(self._ids.find, keys) if number >= 0]
        parts = [self._rows[self._ends[number] : self._ends[number + 1]] for number in numbers]
        return np.unique(np.concatenate(parts)).astype(np.int64) if parts else np.empty(0, dtype=np.int64)
