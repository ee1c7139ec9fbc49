"""The id table: ids to row numbers and back, built by streaming and read by mmap."""

import hashlib
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def id_hash(text: str) -> int:
    """64 bits of BLAKE2b over the UTF-8 bytes of an id."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


class IdTable:
    """Ids and their row numbers, both ways, in flat arrays: no Python object a row.

    Ids are looked up by binary search over sorted hashes and then compared themselves, so that colliding hashes do no
    harm.
    """

    def __init__(
        self,
        text: NDArray[np.uint8],
        offsets: NDArray[np.int64],
        hashes: NDArray[np.uint64],
        rows: NDArray[np.int64],
    ) -> None:
        self._arrays: dict[str, NDArray[Any]] = {"text": text, "offsets": offsets, "hashes": hashes, "rows": rows}
        # Memory views give Python integers, several times faster than one numpy scalar at a time.
        self._text = text.data
        self._offsets = offsets.data
        self._hashes = hashes.data
        self._rows = rows.data

    @classmethod
    def build(cls, ids: Iterable[str]) -> "IdTable":
        """The table of `ids` in their order; ValueError when an id comes twice."""
        builder = IdTableBuilder()
        for text in ids:
            builder.add(text)
        return builder.finish()

    @classmethod
    def load(cls, folder: Path, name: str) -> "IdTable":
        """A table written by `save`, mapped into memory rather than read."""

        def part(label: str) -> NDArray[Any]:
            return np.asarray(np.load(folder / f"{name}.{label}.npy", mmap_mode="r"))

        return cls(part("text"), part("offsets"), part("hashes"), part("rows"))

    def save(self, folder: Path, name: str) -> None:
        """Write the table as `folder/name.*.npy`."""
        for label, values in self._arrays.items():
            np.save(folder / f"{name}.{label}.npy", values)

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def id_at(self, row: int) -> str:
        """The id in `row`; IndexError beyond the table."""
        if not 0 <= row < len(self):
            raise IndexError(row)
        return str(self._text[self._offsets[row] : self._offsets[row + 1]], "utf-8")

    def find(self, text: str) -> int:
        """The row of an id, -1 for one that is not in the table."""
        wanted = id_hash(text)
        place = bisect_left(self._hashes, wanted)
        while place < len(self._hashes) and self._hashes[place] == wanted:
            row = self._rows[place]
            if self.id_at(row) == text:
                return int(row)
            place += 1
        return -1

    def find_many(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """Rows (N,) of N ids, -1 where one is not in the table."""
        return np.fromiter((self.find(text) for text in ids), dtype=np.int64, count=len(ids))

    def __contains__(self, text: str) -> bool:
        return self.find(text) >= 0


class IdTableBuilder:
    """Collects ids one by one in flat arrays."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._offsets = array("q", [0])
        self._hashes = array("Q")

    def add(self, text: str) -> int:
        """Append an id; returns its row."""
        self._text += text.encode()
        self._offsets.append(len(self._text))
        self._hashes.append(id_hash(text))
        return len(self._hashes) - 1

    def finish(self, order: NDArray[np.int64] | None = None) -> IdTable:
        """The table of all that was added; ValueError when an id was added twice.

        `order` (N,): which of those added stands in each row; None for the order in which they were added.
        """
        if order is not None:
            table = self.finish()
            return IdTable.build(table.id_at(row) for row in order.tolist())
        hashes = np.array(self._hashes, dtype=np.uint64)
        rows = np.argsort(hashes, kind="stable").astype(np.int64)
        table = IdTable(
            np.frombuffer(bytes(self._text), dtype=np.uint8),
            np.array(self._offsets, dtype=np.int64),
            hashes[rows],
            rows,
        )
        ordered = hashes[rows]
        for place in np.flatnonzero(ordered[1:] == ordered[:-1]):
            first, second = table.id_at(int(rows[place])), table.id_at(int(rows[place + 1]))
            if first == second:
                raise ValueError(f"id {first!r} comes twice")
        return table
