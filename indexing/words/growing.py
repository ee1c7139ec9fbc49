"""Sparse vectors that are appended to one by one while they are read: those of the journal's rows."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from indexing.words.sparse import Sparse, SparseRows

_Number = TypeVar("_Number", bound=np.generic)

_FIRST_ROWS, _FIRST_ENTRIES = 64, 4_096


class GrowingRows:
    """Vectors in the order in which they came; what `rows` gave stays as it was."""

    def __init__(self) -> None:
        self._num, self._num_entries = 0, 0
        self._ends = np.zeros(_FIRST_ROWS + 1, np.int64)
        self._indices = np.zeros(_FIRST_ENTRIES, np.uint32)
        self._values = np.zeros(_FIRST_ENTRIES, np.float32)

    def append(self, words: Sparse) -> None:
        """Add a vector."""
        start, end = self._num_entries, self._num_entries + len(words)
        while end > len(self._indices):
            self._indices, self._values = _twice(self._indices), _twice(self._values)
        if self._num + 2 > len(self._ends):
            self._ends = _twice(self._ends)
        self._indices[start:end], self._values[start:end] = words.indices, words.values
        self._num, self._num_entries = self._num + 1, end
        self._ends[self._num] = end

    def rows(self) -> SparseRows:
        """All of them."""
        entries = slice(0, self._num_entries)
        return SparseRows(self._ends[: self._num + 1], self._indices[entries], self._values[entries])


def _twice(kept: NDArray[_Number]) -> NDArray[_Number]:
    return np.concatenate((kept, np.zeros_like(kept)))
