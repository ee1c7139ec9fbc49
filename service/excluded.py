"""Which rows must not come back to this one request: seeds, history, posted ids, what the user has heard."""

from bisect import bisect_left
from collections.abc import Set

import numpy as np
from numpy.typing import NDArray

NOTHING_HEARD: NDArray[np.int32] = np.empty(0, dtype=np.int32)


class Excluded:
    """A set of rows; `heard` (H,) ascending is searched where it lies and never copied."""

    def __init__(self, rows: Set[int], heard: NDArray[np.int32] = NOTHING_HEARD) -> None:
        self._rows = rows
        self._heard = heard.data
        self._num_heard = len(heard)

    def __contains__(self, row: int) -> bool:
        if row in self._rows:
            return True
        place = bisect_left(self._heard, row)
        return place < self._num_heard and self._heard[place] == row

    def __len__(self) -> int:
        return len(self._rows) + self._num_heard
