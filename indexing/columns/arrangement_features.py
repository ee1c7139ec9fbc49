"""What arrangement reads of each row, in columns of numbers, so that no payload is decoded while a page is arranged.

Names are compared by 63-bit hashes, as availability lists are, so that a row from the journal needs no table.

recordings.npy                                  (N,) the same for tracks of the same creators and title
popularity.npy, published.npy                   (N,) float32, 0 to 1; int64, epoch seconds
label_ends.npy, labels.npy                      hashes of each row's creators, then of its tags
creator_label_ends.npy                          (N,) where the creators among a row's labels end
"""

import hashlib
from array import array
from collections.abc import Iterable
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from embedding.rows.names import name_key
from indexing.columns.fractions import fractions_of, load_fractions
from indexing.columns.recordings import NO_RECORDING, Recordings
from indexing.payload.payload import Payload, keys_of_names

NEVER_PUBLISHED = np.iinfo(np.int64).min
"""`published_at` of a row that does not have one."""
_CACHED_NAMES = 1 << 16


class RowFeature(Struct, frozen=True):
    """What arrangement reads of one row."""

    recording: int
    creators: tuple[int, ...]
    tags: tuple[int, ...]
    popularity: float
    published_at: int
    published_fraction_us: int


def features_of(payload: Payload) -> RowFeature:
    """The features of the row with this payload."""
    return RowFeature(
        recording_of(payload),
        tuple(_hashed(key) for key in payload.creator_keys),
        tuple(dict.fromkeys(_hashed(name_key(tag)) for tag in payload.tags)),
        payload.popularity,
        NEVER_PUBLISHED if payload.published_at is None else payload.published_at,
        payload.published_fraction_us or 0,
    )


def recording_of(payload: Payload) -> int:
    """The same number for tracks whose creators, in any order, and title are the same names.

    What else the row calls its creator, with guests or without, does not make it another recording.
    """
    if payload.kind != "track":
        return NO_RECORDING
    return _hash("\0".join((*sorted(keys_of_names(payload.creators)), "", name_key(payload.title))))


class ArrangementFeaturesWriter:
    """Collects the features of every row, in the order of the rows."""

    def __init__(self) -> None:
        self._recordings, self._popularity, self._published_at = array("q"), array("f"), array("q")
        self._labels, self._ends, self._creator_ends = array("q"), array("q", [0]), array("q")

    def add(self, payloads: Iterable[Payload]) -> None:
        """Add a batch of rows."""
        for payload in payloads:
            feature = features_of(payload)
            self._recordings.append(feature.recording)
            self._popularity.append(feature.popularity)
            self._published_at.append(feature.published_at)
            self._labels.extend(feature.creators)
            self._creator_ends.append(len(self._labels))
            self._labels.extend(feature.tags)
            self._ends.append(len(self._labels))

    def save(self, folder: Path) -> None:
        """Write all files; the same rows give the same bytes."""
        for name, values, kind in (
            ("recordings", self._recordings, np.int64),
            ("popularity", self._popularity, np.float32),
            ("published", self._published_at, np.int64),
            ("labels", self._labels, np.int64),
            ("label_ends", self._ends, np.int64),
            ("creator_label_ends", self._creator_ends, np.int64),
        ):
            np.save(folder / f"{name}.npy", np.frombuffer(values, dtype=kind) if values else np.zeros(0, kind))


class ArrangementFeatures:
    """The features of one release, mapped into memory."""

    def __init__(self, folder: Path) -> None:
        def column(name: str) -> NDArray[np.int64]:
            return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r"))

        self.published_at = column("published")
        """(N,) epoch seconds, NEVER_PUBLISHED where not known."""
        self._fractions = load_fractions(folder)
        self.popularity: NDArray[np.float32] = np.asarray(np.load(folder / "popularity.npy", mmap_mode="r"))
        """(N,) between 0 and 1."""
        self.recordings = column("recordings")
        """(N,) NO_RECORDING for episodes."""
        # One number at a time is read three times as fast from a memoryview as from an array.
        self._labels = column("labels").data
        self._ends = column("label_ends").data
        self._creator_ends = column("creator_label_ends").data
        self._recording = self.recordings.data

    def published_fractions(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """(R,) microseconds after `published_at` of `rows` (R,)."""
        return np.zeros(len(rows), np.int64) if self._fractions is None else fractions_of(rows, self._fractions)

    @cached_property
    def by_recording(self) -> Recordings:
        """Which rows are of the same recording."""
        return Recordings(self.recordings)

    def recording(self, row: int) -> int:
        """The recording that a row is of."""
        return self._recording[row]

    def recordings_of(self, rows: Iterable[int]) -> list[int]:
        """`recording` of each row."""
        return list(map(self._recording.__getitem__, rows))

    def creators(self, row: int) -> list[int]:
        """Numbers of a row's creators."""
        return self._labels[self._ends[row] : self._creator_ends[row]].tolist()

    def tags(self, row: int) -> list[int]:
        """Numbers of a row's tags."""
        return self._labels[self._creator_ends[row] : self._ends[row + 1]].tolist()


@lru_cache(_CACHED_NAMES)
def _hashed(name: str) -> int:
    return _hash(name)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1
