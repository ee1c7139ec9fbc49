"""The rows that one request excludes: seeds, history, posted ids, what the user has heard."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence, Set
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

NOTHING_HEARD: NDArray[np.int32] = np.zeros(0, dtype=np.int32)


class Names(Protocol):
    """Which row an id stands in, and back (CurrentRows)."""

    def find(self, item_id: str, /) -> int:
        """The row of an id, -1 for none."""

    def id_of(self, row: int, /) -> str:
        """The id of a row."""

    def ids_of_own(self, rows: Iterable[int], /) -> Iterable[str]:
        """The ids of the release's own rows."""


class Exclusions:
    """Rows to leave out: `rows` by number, posted `ids` by what they name, and (H,) `heard`, ascending.

    Nothing is looked up beforehand that may never be asked: a page meets some tens of rows, and a thousand ids or a
    hundred thousand listens would be a million rows' worth of work.
    """

    def __init__(
        self,
        rows: Set[int],
        *,
        ids: Collection[str] = (),
        names: Names | None = None,
        heard: NDArray[np.int32] = NOTHING_HEARD,
    ) -> None:
        self._rows = rows
        self._ids = frozenset(ids)
        self._names = names
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
        return self._names is not None and row >= 0 and self._names.id_of(row) in self._ids

    def others(self, rows: Sequence[int]) -> list[bool]:
        """Of each of `rows`, the release's own, whether it is not left out."""
        posted = self._rows
        if self._names is not None and not self._num_heard:
            ids = self._ids
            return [
                row not in posted and item_id not in ids
                for row, item_id in zip(rows, self._names.ids_of_own(rows), strict=True)
            ]
        if self._names is not None:
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
        if self._names is not None:
            posted.update(map(self._names.find, self._ids))
            posted.discard(-1)
        return np.union1d(self.heard, np.fromiter(posted, dtype=np.int64, count=len(posted))).astype(np.int64)
