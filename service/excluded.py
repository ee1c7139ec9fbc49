"""Which rows must not come back to this one request: seeds, history, posted ids, what the user has heard."""

from bisect import bisect_left
from collections.abc import Callable, Collection, Sequence, Set

import numpy as np
from numpy.typing import NDArray

NOTHING_HEARD: NDArray[np.int32] = np.zeros(0, dtype=np.int32)


class Excluded:
    """Rows to leave out: `rows` by number, posted `ids` by what they name, and (H,) `heard`, ascending.

    Nothing is looked up beforehand that may never be asked: a page meets some tens of rows, and a thousand ids or a
    hundred thousand listens would be a million rows' worth of work.
    """

    def __init__(
        self,
        rows: Set[int],
        *,
        ids: Collection[str] = (),
        find: Callable[[str], int] | None = None,
        id_of: Callable[[int], str] | None = None,
        heard: NDArray[np.int32] = NOTHING_HEARD,
    ) -> None:
        self._rows = rows
        self._ids = frozenset(ids)
        self._find, self._id_of = find, id_of
        self.heard = heard
        """(H,) what the listener has heard, ascending."""
        self._heard_at = heard.data
        self._num_heard = len(heard)

    def __contains__(self, row: int, /) -> bool:
        """Whether `row` is left out."""
        if row in self._rows:
            return True
        if self._num_heard:
            place = bisect_left(self._heard_at, row)
            if place < self._num_heard and self._heard_at[place] == row:
                return True
        return self._id_of is not None and row >= 0 and self._id_of(row) in self._ids

    def others(self, rows: Sequence[int]) -> list[bool]:
        """Of each of `rows`, the release's own, whether it is not left out."""
        posted = self._rows
        if self._id_of is not None and not self._num_heard:
            ids = self._ids
            return [
                row not in posted and item_id not in ids
                for row, item_id in zip(rows, map(self._id_of, rows), strict=False)
            ]
        if self._id_of is not None:
            return [row not in self for row in rows]
        if not self._num_heard:
            return [row not in posted for row in rows]
        numbers = np.array(rows, np.int64)
        heard = self.heard.take(np.searchsorted(self.heard, numbers), mode="clip") == numbers
        return [not known and row not in posted for row, known in zip(rows, heard.tolist(), strict=True)]

    def __len__(self) -> int:
        """How many rows are left out at the most."""
        return len(self._rows) + len(self._ids) + self._num_heard

    def all_rows(self) -> NDArray[np.int64]:
        """Every row that is left out, ascending."""
        posted = set(self._rows)
        if self._find is not None:
            posted.update(map(self._find, self._ids))
            posted.discard(-1)
        return np.union1d(self.heard, np.fromiter(posted, dtype=np.int64, count=len(posted))).astype(np.int64)
