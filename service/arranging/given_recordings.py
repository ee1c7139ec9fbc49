"""Recordings that count as shown before a list begins: of what was asked with, and of what the listener has heard."""

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indexing.columns.recordings import NO_RECORDING
from service.arranging.row_features import RowFeatures


class GivenRecordings:
    """Asks of each row that a page meets, never of the hundred thousand that somebody may have heard."""

    def __init__(self, features: RowFeatures, rows: Sequence[int], heard: NDArray[np.int32]) -> None:
        """`rows`: seeds, or a posted history; `heard` (H,): rows of the release, ascending."""
        self._features = features
        self._rows = rows
        self._posted = frozenset(features.recordings(rows)) - {NO_RECORDING}
        self._heard, self._num_heard = heard.data, len(heard)

    def spare(self, limit: int) -> int:
        """How many rows more than a page of `limit` are worth reading for those that are of one of them."""
        return len(self._features.shared(self._rows[-limit:]))

    def has(self, row: int) -> bool:
        """Whether a row is of one of them."""
        features = self._features
        recording = features.recording(row)
        if recording == NO_RECORDING:
            return False
        if recording in self._posted:
            return True
        return bool(self._num_heard) and any(map(self._is_heard, features.alike(row)))

    def has_any(self, rows: Sequence[int]) -> bool:
        """Whether any of `rows` is: told of all together, as mostly none is."""
        if self._posted and not self._posted.isdisjoint(self._features.recordings(rows)):
            return True
        return bool(self._num_heard) and any(map(self.has, self._features.shared(rows)))

    def _is_heard(self, row: int) -> bool:
        place = bisect_left(self._heard, row)
        return place < self._num_heard and self._heard[place] == row
