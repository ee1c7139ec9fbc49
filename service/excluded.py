"""Which rows must not come back to this one request: seeds, history, posted ids, what the user has heard."""

from bisect import bisect_left
from collections.abc import Set
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Excluded(Protocol):
    """Rows to leave out; a plain set is one."""

    def __contains__(self, row: int, /) -> bool:
        """Whether `row` is left out."""

    def __len__(self) -> int:
        """How many rows are left out at the most."""


class HeardOr:
    """The rows of a set, and those a user has heard: (H,) ascending, searched where they lie and never copied."""

    def __init__(self, rows: Set[int], heard: NDArray[np.int32]) -> None:
        self._rows = rows
        self._heard = heard.data
        self._num_heard = len(heard)

    def __contains__(self, row: int, /) -> bool:
        if row in self._rows:
            return True
        place = bisect_left(self._heard, row)
        return place < self._num_heard and bool(self._heard[place] == row)

    def __len__(self) -> int:
        return len(self._rows) + self._num_heard
