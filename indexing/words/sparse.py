"""Sparse vectors as arrays: one of them, or many end to end."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

# Bits of a term's number that are looked at first, in a table that fits the nearest cache.
_TABLE = 1 << 12


class Sparse(Struct, frozen=True, eq=False):
    """A vector by its entries that are not 0: ascending `indices` (n,) uint32, `values` (n,) float32.

    Compared and hashed by identity, as a key of answers that are kept.
    """

    indices: NDArray[np.uint32]
    values: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.indices)


class SparseRows(Struct, frozen=True):
    """N sparse vectors: the entries of row r stand at `ends[r]` to `ends[r + 1]`; `ends` (N + 1,) begins with 0."""

    ends: NDArray[np.int64]
    indices: NDArray[np.uint32]
    values: NDArray[np.float32]

    @classmethod
    def of(cls, rows: Sequence[Sparse]) -> "SparseRows":
        """Some vectors, in their order."""
        ends = np.zeros(len(rows) + 1, np.int64)
        np.cumsum([len(row) for row in rows], out=ends[1:])
        if not rows:
            return cls(ends, np.zeros(0, np.uint32), np.zeros(0, np.float32))
        return cls(ends, np.concatenate([row.indices for row in rows]), np.concatenate([row.values for row in rows]))

    def __len__(self) -> int:
        return len(self.ends) - 1

    def row(self, row: int) -> Sparse:
        """One of them."""
        start, end = self.ends[row], self.ends[row + 1]
        return Sparse(self.indices[start:end], self.values[start:end])

    def part(self, start: int, stop: int) -> "SparseRows":
        """Those from `start` to before `stop`."""
        ends = self.ends[start : stop + 1]
        return SparseRows(ends - ends[0], self.indices[ends[0] : ends[-1]], self.values[ends[0] : ends[-1]])

    def take(self, rows: NDArray[np.int64]) -> "SparseRows":
        """Those of `rows` (n,), in that order."""
        starts = self.ends[rows]
        lengths = self.ends[rows + 1] - starts
        ends = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(lengths, out=ends[1:])
        places = np.arange(ends[-1]) + np.repeat(starts - ends[:-1], lengths)
        return SparseRows(ends, self.indices[places], self.values[places])

    def scores(self, query: Sparse) -> NDArray[np.float32]:
        """Dot product (N,) of each with `query`; 0 for one that shares no entry with it."""
        if not len(query):
            return np.zeros(len(self), np.float32)
        # Few entries are of the query: most are told by the last bits of their numbers.
        table = np.zeros(_TABLE, np.bool_)
        table[query.indices & (_TABLE - 1)] = True
        places = np.flatnonzero(table[self.indices & np.uint32(_TABLE - 1)])
        indices = self.indices[places]
        at = np.minimum(np.searchsorted(query.indices, indices), len(query) - 1)
        same = query.indices[at] == indices
        places, at = places[same], at[same]
        rows = np.searchsorted(self.ends, places, side="right") - 1
        shares = self.values[places] * query.values[at]
        return np.bincount(rows, weights=shares, minlength=len(self)).astype(np.float32)
