"""The columns of a release whose names were compared another way, read by the keys of today.

What was built by older keys is not edited: payloads get their keys anew as they are read, and the few rows of which
postings, titles or arrangement features say anything else are found in one look at all of them, once somebody asks.
"""

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from embedding.rows.id_table import IdTable
from embedding.rows.names import name_key
from indexing.columns.arrangement_features import ArrangementFeatures, features_of
from indexing.columns.columns import Columns, title_key
from indexing.columns.postings import MarksRows, Postings
from indexing.columns.recordings import Recordings
from indexing.payload.payload import Payload, keys_of_names


class _Named(Struct, frozen=True, array_like=True, gc=False):
    """The fields of a payload that come first; a quarter of the time that all of them take."""

    id: str
    kind: str
    title: str
    creator: str
    creators: tuple[str, ...]
    album: str | None
    tags: tuple[str, ...]


class Differences(Struct, frozen=True):
    """Of which rows other things are said now: `rows` (N,) has a flag for each; their rows by creator and by title."""

    rows: NDArray[np.bool_]
    creators: dict[str, NDArray[np.int64]]
    titles: dict[int, NDArray[np.int64]]


class RekeyedColumns(Columns):
    """Columns as they are in the folder, names by the keys of today."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.stored_creators = Postings.load(folder, "creator_keys")
        """The rows of each creator by the keys that the engine holds, too."""
        self._stored_features = ArrangementFeatures(folder)

    def payload(self, row: int) -> Payload:
        """As `Columns.payload`."""
        payload = super().payload(row)
        keys = keys_of_names((*payload.creators, payload.creator))
        return payload if keys == payload.creator_keys else replace(payload, creator_keys=keys)

    def titled(self, title: str) -> NDArray[np.int64]:
        """As `Columns.titled`."""
        found = super().titled(title)
        differ = self.differences
        return _joined(found[~differ.rows[found]], [differ.titles.get(title_key(title))])

    @cached_property
    def differences(self) -> Differences:
        """Worked out when it is first asked for, by a look at every row."""
        decoder = msgspec.msgpack.Decoder(_Named)
        differ = np.zeros(len(self), np.bool_)
        creators: defaultdict[str, list[int]] = defaultdict(list)
        titles: defaultdict[int, list[int]] = defaultdict(list)
        for row in range(len(self)):
            named = self.decoded(row, decoder)
            if _is_plain(named):
                continue
            payload, feature = self.payload(row), self._stored_features
            now, key = features_of(payload), title_key(named.title)
            if (
                key != self.stored_title_key(row)
                or now.recording != feature.recording(row)
                or list(now.creators) != feature.creators(row)
                or list(now.tags) != feature.tags(row)
            ):
                differ[row] = True
                titles[key].append(row)
                for creator in payload.creator_keys:
                    creators[creator].append(row)
        return Differences(
            differ,
            {key: np.array(rows, np.int64) for key, rows in creators.items()},
            {key: np.array(rows, np.int64) for key, rows in titles.items()},
        )

    @cached_property
    def stored_keys(self) -> dict[str, list[str]]:
        """The keys that the engine holds, by what they are now."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for stored in self.stored_creators.values():
            found[name_key(stored)].append(stored)
        return dict(found)


def _is_plain(named: _Named) -> bool:
    """Whether no key of its names ever was another one."""
    names = "".join((named.title, named.creator, *named.creators, *named.tags))
    return (
        names.isascii()
        and names.isprintable()
        and "`" not in names
        and (not named.creators or named.creator in named.creators)
    )


class RekeyedCreators(MarksRows):
    """The rows of each creator, by the keys of today."""

    def __init__(self, columns: RekeyedColumns) -> None:
        self._columns = columns

    def rows(self, values: Iterable[str]) -> NDArray[np.int64]:
        """As `Postings.rows`."""
        values, differ = tuple(values), self._columns.differences
        found = self._columns.stored_creators.rows(values)
        return _joined(found[~differ.rows[found]], map(differ.creators.get, values))

    def mark(self, values: Iterable[str], mask: NDArray[np.bool_]) -> None:
        """As `Postings.mark`."""
        mask[self.rows(values)] = True

    @cached_property
    def whole(self) -> Postings:
        """As `Postings.whole`, worked out when it is first asked for."""
        stored, differ = self._columns.stored_creators, self._columns.differences
        rows_of = {}
        for number, key in enumerate(stored.values()):
            rows = stored.rows_at(number)
            if len(same := rows[~differ.rows[rows]]):
                rows_of[key] = same
        for key, others in differ.creators.items():
            rows_of[key] = _joined(np.asarray(rows_of.get(key, ()), np.int64), [others]).astype(np.int32)
        ends = np.cumsum([0, *map(len, rows_of.values())], dtype=np.int64)
        joined = np.concatenate([np.zeros(0, np.int32), *rows_of.values()])
        return Postings(IdTable.build(rows_of), ends, joined)


class RekeyedFeatures(ArrangementFeatures):
    """Arrangement features by the keys of today."""

    def __init__(self, folder: Path, columns: RekeyedColumns) -> None:
        super().__init__(folder)
        self._columns = columns

    def recording(self, row: int) -> int:
        """As `ArrangementFeatures.recording`."""
        return features_of(self._columns.payload(row)).recording if self._differs(row) else super().recording(row)

    def recordings_of(self, rows: Iterable[int]) -> list[int]:
        """`recording` of each row."""
        return list(map(self.recording, rows))

    @cached_property
    def by_recording(self) -> Recordings:
        """As `ArrangementFeatures.by_recording`."""
        recordings = self.recordings.copy()
        for row in np.flatnonzero(self._columns.differences.rows).tolist():
            recordings[row] = self.recording(row)
        return Recordings(recordings)

    def creators(self, row: int) -> list[int]:
        """As `ArrangementFeatures.creators`."""
        return list(features_of(self._columns.payload(row)).creators) if self._differs(row) else super().creators(row)

    def tags(self, row: int) -> list[int]:
        """As `ArrangementFeatures.tags`."""
        return list(features_of(self._columns.payload(row)).tags) if self._differs(row) else super().tags(row)

    def _differs(self, row: int) -> bool:
        return bool(self._columns.differences.rows[row])


def _joined(found: NDArray[np.int64], others: Iterable[NDArray[np.int64] | None]) -> NDArray[np.int64]:
    return np.unique(np.concatenate([found, *(rows for rows in others if rows is not None)]))
