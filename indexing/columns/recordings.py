"""Which rows of one release are of the same recording."""

import numpy as np
from numpy.typing import NDArray

NO_RECORDING = -1
"""`recording` of a row that is no recording of anything: an episode is only ever itself."""


class Recordings:
    """Of N rows with the recording of each (N,): made once a release, in .1 s a million rows and 9 bytes each."""

    def __init__(self, recordings: NDArray[np.int64]) -> None:
        self._recordings = recordings
        self._order = np.argsort(recordings, kind="stable")
        in_order = recordings[self._order]
        again = np.flatnonzero((in_order[1:] == in_order[:-1]) & (in_order[1:] != NO_RECORDING))
        is_shared = np.zeros(len(recordings), np.bool_)
        is_shared[self._order[again]] = is_shared[self._order[again + 1]] = True
        self.is_shared = is_shared.tobytes()
        """By row, not 0 where there are other rows of its recording."""

    def rows_of(self, recording: int) -> list[int]:
        """The rows of a recording, ascending."""
        first, end = (
            int(np.searchsorted(self._recordings, recording, side, self._order)) for side in ("left", "right")
        )
        rows: list[int] = self._order[first:end].tolist()
        return rows
