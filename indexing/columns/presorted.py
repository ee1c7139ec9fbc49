"""Presorted lists of a release's rows, made at the build: the most popular first, and the freshest first.

by_popularity.rows.npy, .values.npy     rows somebody heard gladly, the most popular first; their popularity (float32)
by_freshness.rows.npy, .values.npy      rows with a date, the newest first, then all others; epoch seconds (int64)

The newest first is to the microsecond; what comes after a second is in the rows' own column
(indexing/columns/fractions.py).
"""

from array import array
from collections.abc import Iterable
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from embedding.rows.times import FIRST_S
from indexing.columns.fractions import fractions_of, load_fractions
from indexing.payload.payload import Payload

_US = 1_000_000
# Where nobody said when: before every date, in microseconds; in files as seconds.
UNDATED = (FIRST_S - 1) * _US
_UNDATED_S = -(1 << 62)
_POPULARITY, _FRESHNESS = "by_popularity", "by_freshness"


class PublishedUs:
    """(R,) int64, falling: when rows were published, in microseconds since 1970, UNDATED where not known.

    They are worked out where they are asked for, from seconds (R,) and the fractions of rows (N,), both in files.
    """

    def __init__(
        self, rows: NDArray[np.int32], seconds: NDArray[np.int64], fractions: NDArray[np.float64] | None
    ) -> None:
        self._rows, self._seconds, self._fractions = rows, seconds, fractions
        # One number at a time is read several times as fast from a memoryview as from an array.
        self._row_at, self._second_at = rows.data, seconds.data
        self._fraction_at = None if fractions is None else fractions.data

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, place: int) -> int:
        us: int = max(self._second_at[place], FIRST_S - 1) * _US
        if self._fraction_at is None or isnan(fraction := self._fraction_at[self._row_at[place]]):
            return us
        return us + int(fraction)

    def take(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """(P,) those at `places` (P,)."""
        us: NDArray[np.int64] = np.maximum(self._seconds[places], FIRST_S - 1) * _US
        return us if self._fractions is None else us + fractions_of(self._rows[places], self._fractions)


class PresortedList(Struct, frozen=True):
    """`rows` (R,) int32, and what they were ordered by: `values` (R,), falling; of equals the lower row is first."""

    rows: NDArray[np.int32]
    values: NDArray[Any] | PublishedUs


class PresortedListsWriter:
    """Collects what rows are ordered by, in the order of the rows."""

    def __init__(self) -> None:
        self._popularity, self._published = array("f"), array("q")

    def add(self, payloads: Iterable[Payload]) -> None:
        """Add a batch of rows."""
        for payload in payloads:
            self._popularity.append(payload.popularity)
            self._published.append(freshness_of(payload))

    def save(self, folder: Path) -> None:
        """Write both lists; the same rows give the same bytes."""
        popularity = np.frombuffer(self._popularity, np.float32)
        published_us = np.frombuffer(self._published, np.int64)
        popular = _falling(popularity)
        _save(folder, _POPULARITY, popular[popularity[popular] > 0], popularity)
        published_s = np.where(published_us == UNDATED, _UNDATED_S, published_us // _US)
        _save(folder, _FRESHNESS, _falling(published_us), published_s)


class PresortedLists:
    """The lists of one release, mapped into memory."""

    def __init__(self, folder: Path) -> None:
        self.popularity = PresortedList(*_load(folder, _POPULARITY))
        rows, seconds = _load(folder, _FRESHNESS)
        self.freshness = PresortedList(rows, PublishedUs(rows, seconds, load_fractions(folder)))


def freshness_of(payload: Payload) -> int:
    """What a row is ordered by among the fresh ones: microseconds since 1970, UNDATED where not known."""
    published_us = payload.published_us
    return UNDATED if published_us is None else published_us


def _falling(values: NDArray[Any]) -> NDArray[np.int32]:
    # Sorted backwards and turned round, so that of equals the lower row is first.
    backwards = np.argsort(values[::-1], kind="stable")[::-1]
    return (len(values) - 1 - backwards).astype(np.int32)


def _save(folder: Path, name: str, rows: NDArray[np.int32], values: NDArray[Any]) -> None:
    np.save(folder / f"{name}.rows.npy", rows)
    np.save(folder / f"{name}.values.npy", values[rows])


def _load(folder: Path, name: str) -> tuple[NDArray[np.int32], NDArray[Any]]:
    def column(part: str) -> NDArray[Any]:
        return np.asarray(np.load(folder / f"{name}.{part}.npy", mmap_mode="r"))

    return column("rows"), column("values")
