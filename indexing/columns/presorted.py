"""Presorted lists of a release's rows, made at the build: the most popular first, and the freshest first.

by_popularity.rows.npy, .values.npy     rows somebody heard gladly, the most popular first; their popularity (float32)
by_freshness.rows.npy, .values.npy      rows with a date, the newest first, then all others; epoch seconds (int64)
"""

from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from indexing.payload.payload import Payload

# Where nobody said when: before every date.
UNDATED = -(1 << 62)
_POPULARITY, _FRESHNESS = "by_popularity", "by_freshness"


class PresortedList(Struct, frozen=True):
    """`rows` (R,) int32, and what they were ordered by: `values` (R,), falling; of equals the lower row is first."""

    rows: NDArray[np.int32]
    values: NDArray[Any]


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
        published = np.frombuffer(self._published, np.int64)
        popular = _falling(popularity)
        _save(folder, _POPULARITY, popular[popularity[popular] > 0], popularity)
        _save(folder, _FRESHNESS, _falling(published), published)


class PresortedLists:
    """The lists of one release, mapped into memory."""

    def __init__(self, folder: Path) -> None:
        self.popularity = _load(folder, _POPULARITY)
        self.freshness = _load(folder, _FRESHNESS)


def freshness_of(payload: Payload) -> int:
    """What a row is ordered by among the fresh ones."""
    return UNDATED if payload.published_at is None else payload.published_at


def _falling(values: NDArray[Any]) -> NDArray[np.int32]:
    # Sorted backwards and turned round, so that of equals the lower row is first.
    backwards = np.argsort(values[::-1], kind="stable")[::-1]
    return (len(values) - 1 - backwards).astype(np.int32)


def _save(folder: Path, name: str, rows: NDArray[np.int32], values: NDArray[Any]) -> None:
    np.save(folder / f"{name}.rows.npy", rows)
    np.save(folder / f"{name}.values.npy", values[rows])


def _load(folder: Path, name: str) -> PresortedList:
    def column(part: str) -> NDArray[Any]:
        return np.asarray(np.load(folder / f"{name}.{part}.npy", mmap_mode="r"))

    return PresortedList(column("rows"), column("values"))
