"""The known users of a release: recent history for the query tower, and everything that they have heard.

ids.*.npy                             user id <-> number
history_ends.npy, history_rows.npy, history_weights.npy     newest last, at most HISTORY_LIMIT a user
heard_ends.npy, heard_rows.npy        every row ever heard or skipped, ascending
"""

from array import array
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from embedding.data.weight_sums import summed_weights
from embedding.rows.id_table import IdTable, IdTableBuilder
from embedding.rows.schema import Interaction

# The towers are trained on histories of at most this length; older listens still count as heard.
HISTORY_LIMIT = 200
_CACHED_IDS = 1 << 16


class History(Struct, frozen=True):
    """One user's `rows` (H,) and `weights` (H,), newest last, and `heard` (all rows, ascending)."""

    rows: NDArray[np.int32]
    weights: NDArray[np.float32]
    heard: NDArray[np.int32]


class UsersWriter:
    """Collects interactions and writes them by user. An item heard again stands at its newest place, with the sum
    of its weights."""

    def __init__(self, items: IdTable) -> None:
        self._num_items = len(items)
        # Each listen is looked up twice, and most are of what many listen to.
        self._find = lru_cache(_CACHED_IDS)(items.find)
        self._numbers: dict[str, int] = {}
        self._ids = IdTableBuilder()
        self._user, self._row = array("i"), array("i")
        self._at, self._weight = array("d"), array("d")

    def add(self, interactions: Iterable[Interaction]) -> None:
        """Add a batch whose items are all in the table given at the start."""
        for interaction in interactions:
            user = self._numbers.get(interaction.user_id)
            if user is None:
                user = self._numbers[interaction.user_id] = self._ids.add(interaction.user_id)
            self._user.append(user)
            self._row.append(self._find(interaction.item_id))
            self._at.append(-np.inf if interaction.at is None else interaction.at)
            self._weight.append(interaction.weight)

    def knows(self, item_id: str) -> bool:
        """Whether there is an item of that id."""
        return self._find(item_id) >= 0

    def __len__(self) -> int:
        return len(self._user)

    @property
    def num_users(self) -> int:
        """Number of different users."""
        return len(self._numbers)

    def popularity(self) -> NDArray[np.float32]:
        """(N,) between 0 and 1: log(1 + users who heard the item gladly), as a share of the largest."""
        liked = np.frombuffer(self._weight, dtype=np.float64) > 0
        pairs = _unique_pairs(self._users_array()[liked], self._rows_array()[liked])
        heat: NDArray[np.float64] = np.log1p(np.bincount(pairs[1], minlength=self._num_items).astype(np.float64))
        # Without a single listen every item is as little known as any other.
        return (heat / (heat.max(initial=0.0) or 1.0)).astype(np.float32)

    def write(self, folder: Path) -> None:
        """Write all users; the same interactions in the same order give the same bytes."""
        folder.mkdir(parents=True)
        users, rows = self._users_array(), self._rows_array()
        at = np.frombuffer(self._at, dtype=np.float64)
        weights = np.frombuffer(self._weight, dtype=np.float64)
        by_time = np.lexsort((np.arange(len(users)), at, users))
        users, rows, weights = users[by_time], rows[by_time], weights[by_time]
        _save_ragged(folder, "heard", self.num_users, *_unique_pairs(users, rows), {})
        last, sums = _fold_pairs(users, rows, weights)
        # Likes and skips that cancel say nothing, in training neither.
        last, sums = last[sums != 0], sums[sums != 0]
        recent = _rank_from_end(users[last]) < HISTORY_LIMIT
        newest = last[recent]
        _save_ragged(folder, "history", self.num_users, users[newest], rows[newest], {"weights": sums[recent]})
        self._ids.finish().save(folder, "ids")

    def _users_array(self) -> NDArray[np.int32]:
        return np.frombuffer(self._user, dtype=np.int32)

    def _rows_array(self) -> NDArray[np.int32]:
        return np.frombuffer(self._row, dtype=np.int32)


def _save_ragged(
    folder: Path,
    name: str,
    num_users: int,
    users: NDArray[np.int32],
    rows: NDArray[np.int32],
    more: dict[str, NDArray[np.float32]],
) -> None:
    """Rows grouped by user (`users`, ascending), as `Users` reads them."""
    ends = np.zeros(num_users + 1, dtype=np.int64)
    np.cumsum(np.bincount(users, minlength=num_users), out=ends[1:])
    np.save(folder / f"{name}_ends.npy", ends)
    np.save(folder / f"{name}_rows.npy", rows)
    for label, values in more.items():
        np.save(folder / f"{name}_{label}.npy", values)


def _unique_pairs(users: NDArray[np.int32], rows: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Different (user, row) pairs, ascending by user, then row."""
    keys = np.unique(users.astype(np.int64) << 32 | rows.astype(np.int64))
    return (keys >> 32).astype(np.int32), (keys & 0xFFFFFFFF).astype(np.int32)


def _fold_pairs(
    users: NDArray[np.int32], rows: NDArray[np.int32], weights: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """For each (user, row) pair the position of its last occurrence, ascending, and the sum of its weights."""
    keys = users.astype(np.int64) << 32 | rows.astype(np.int64)
    _, from_end, pair = np.unique(keys[::-1], return_index=True, return_inverse=True)
    sums = summed_weights(pair, weights[::-1], len(from_end))
    last = len(keys) - 1 - from_end
    order = np.argsort(last)
    return last[order], sums[order]


def _rank_from_end(users: NDArray[np.int32]) -> NDArray[np.int64]:
    """For users grouped together: 0 for the last position of each group, 1 for the one before, and so on."""
    positions = np.arange(len(users))
    ends = np.searchsorted(users, users, side="right")
    return ends - 1 - positions


class Users:
    """The users of one release, mapped into memory."""

    def __init__(self, folder: Path) -> None:
        def column(name: str) -> NDArray[Any]:
            return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r"))

        self._ids = IdTable.load(folder, "ids")
        self._history_ends, self._heard_ends = column("history_ends"), column("heard_ends")
        self._history_rows, self._heard_rows = column("history_rows"), column("heard_rows")
        self._history_weights = column("history_weights")

    def __len__(self) -> int:
        return len(self._ids)

    def ids(self) -> list[str]:
        """The users' ids, by number."""
        return [self._ids.id_at(number) for number in range(len(self))]

    def find(self, user_id: str) -> History | None:
        """A user's history, None for someone this release does not know."""
        number = self._ids.find(user_id)
        return None if number < 0 else self.history(number)

    def history(self, number: int) -> History:
        """The history of a user by number, 0 to `len` - 1."""
        recent = slice(int(self._history_ends[number]), int(self._history_ends[number + 1]))
        heard = slice(int(self._heard_ends[number]), int(self._heard_ends[number + 1]))
        return History(
            rows=self._history_rows[recent],
            weights=self._history_weights[recent],
            heard=self._heard_rows[heard],
        )

    def save_moved(self, folder: Path, places: NDArray[np.int32]) -> None:
        """Write the same users for rows in another order: row r is now `places[r]` (N,), or gone where that is -1."""
        folder.mkdir(parents=True)
        for name, ends, rows in (
            ("history", self._history_ends, self._history_rows),
            ("heard", self._heard_ends, self._heard_rows),
        ):
            moved = places[rows]
            there = np.flatnonzero(moved >= 0)
            users = np.repeat(np.arange(len(self), dtype=np.int32), np.diff(ends))[there]
            if name == "heard":
                order = np.lexsort((moved[there], users))
                _save_ragged(folder, name, len(self), users, moved[there][order], {})
            else:
                _save_ragged(folder, name, len(self), users, moved[there], {"weights": self._history_weights[there]})
        self._ids.save(folder, "ids")
