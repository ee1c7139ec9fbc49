"""What a release shows now: its own rows, and what the journal says since its build began.

A row never changes: a changed item takes a new number behind the release's own, and the old number is dropped. So
whatever was worked out for a row number stays true.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from embedding.protocols import Vectors
from indexing.columns.columns import row_hashes
from indexing.journal.new_rows import NO_ORIGIN, NewRows
from indexing.journal.takedowns import Takedown, note
from indexing.payload.payload import Payload, payload_of
from indexing.release.passages import NO_PASSAGES, RowPassages
from indexing.release.release import Release
from indexing.state.records import Encoded, Frame, Lifted, Put, Removed, RulesAccepted, TakenDown, WentLive
from indexing.words.bm25 import from_bytes, words_of
from indexing.words.sparse import Sparse, SparseRows

if TYPE_CHECKING:
    from embedding.rows.schema import Item

# Seeds are what many listen to: from the cache one costs a fifth of a look into the table of ids.
_CACHED_IDS = 1 << 16
# Why a row is not shown.
_REPLACED, _TAKEN_DOWN, _UNENCODED = 1, 2, 4
_MISSING = -1


class CurrentRows:
    """Rows of one release with the journal applied to them."""

    def __init__(self, release: Release) -> None:
        self.release = release
        self.num_own = len(release.columns)
        self.dropped = bytearray(self.num_own)
        """Not 0 for a row that must not be shown; by row number."""
        self.any_dropped = False
        """Whether any row was ever dropped."""
        self.new = NewRows(release.manifest.dims)
        self.taken_down: dict[str, Takedown] = {}
        """By id, also those that no row has."""
        self.unencoded: dict[str, Item] = {}
        """Rows that cannot be found here yet: neither model nor encoder of this release has encoded them."""
        self._find_own = lru_cache(_CACHED_IDS)(release.columns.ids.find)
        self._own_id = lru_cache(_CACHED_IDS)(release.columns.ids.id_at)
        self._applied = 0
        # Number of the last frame that said something of an item.
        self._items_seq = 0
        self.rows_seq = 0
        """Number of the last frame that put or removed a row since the build; 0 for none."""
        # Where the journal put or removed an id, its row number now.
        self._moved: dict[str, int] = {}
        # By mark, the last row number of each item that the log put.
        self._marked: dict[int, int] = {}

    @property
    def seq(self) -> int:
        """Number of the last frame applied."""
        return self._applied

    @property
    def revision(self) -> int:
        """How far the log had gone since the build of this release began when it last said something of an item."""
        return max(0, self._items_seq - self.release.manifest.journal_seq)

    @property
    def num_journalled(self) -> int:
        """Rows put or removed since the build began; one put twice counts twice, as it takes two places."""
        return max(len(self.new), len(self._moved))

    def apply(self, frame: Frame) -> None:
        """Take in the next frame; rows that were journalled before the build began are in the release already."""
        since_build = frame.seq > self.release.manifest.journal_seq
        if since_build and any(isinstance(change, Put | Removed) for change in frame.changes):
            self.rows_seq = frame.seq
        for change in frame.changes:
            match change:
                case TakenDown(id):
                    note(self.taken_down, frame, change)
                    self._mark(id)
                case Lifted(id):
                    note(self.taken_down, frame, change)
                    self._unmark(id)
                case Put() if since_build:
                    self._put(change)
                case Removed(id) if since_build:
                    self._remove(id)
                case Encoded() if since_build:
                    self.encoded(change)
                case _:
                    pass
        if any(not isinstance(change, RulesAccepted | WentLive) for change in frame.changes):
            self._items_seq = frame.seq
        self._applied = frame.seq

    def encoded(self, change: Encoded) -> None:
        """Take in vectors for a row that could not be found here."""
        row = self._moved.get(change.id, _MISSING)
        if row >= self.num_own:
            vectors, passages = self._own_vectors(change.text, change.tower), self._own_passages(change)
            self.new.give(row - self.num_own, vectors, passages)
            if self.new.has_vectors[row - self.num_own]:
                self.dropped[row] &= ~_UNENCODED
                self.unencoded.pop(change.id, None)

    def find(self, item_id: str) -> int:
        """The row of an id that may be shown, -1 where there is none or it is taken down."""
        row = self.row_of(item_id)
        return row if row >= 0 and not self.dropped[row] else _MISSING

    def row_of(self, item_id: str) -> int:
        """The row of an id now, taken down or not; -1 where the catalogue has none."""
        if self._moved:
            moved = self._moved.get(item_id)
            if moved is not None:
                return moved
        return self._find_own(item_id)

    def shows(self, rows: Iterable[int]) -> bool:
        """Whether all of these rows may still be shown."""
        return not (self.any_dropped and any(self.dropped[row] for row in rows))

    def rows(self) -> Iterator[int]:
        """Row numbers of the catalogue as it is now, taken down or not, each item once."""
        return (row for row, why in enumerate(self.dropped) if not why & _REPLACED)

    def id_of(self, row: int) -> str:
        """The id of a row."""
        return self._own_id(row) if row < self.num_own else self.new.payloads[row - self.num_own].id

    def ids_of_own(self, rows: Iterable[int]) -> Iterable[str]:
        """The ids of rows that are the release's own, in half the time."""
        return map(self._own_id, rows)

    def origin(self, row: int) -> int:
        """The release's own row of the same item: what listeners' histories know it by; -1 for a new item."""
        return row if row < self.num_own else self.new.origins[row - self.num_own]

    def mark_of(self, row: int) -> int:
        """What names the item of a row that the log put to every worker, whatever its number there; 63 bits."""
        return _mark(self.id_of(row))

    def row_marked(self, mark: int) -> int | None:
        """The last row that the log put of an item, by its mark; None where none is known here."""
        return self._marked.get(mark)

    def payload(self, row: int) -> Payload:
        """The payload of a row."""
        return self.release.columns.payload(row) if row < self.num_own else self.new.payloads[row - self.num_own]

    def hashes(self, row: int) -> bytes:
        """What `row_hashes` gave for a row."""
        if row < self.num_own:
            return bytes(self.release.columns.hashes()[row])
        return self.new.hashes[row - self.num_own]

    def vectors(self, space: str, rows: list[int] | NDArray[np.integer[Any]]) -> Vectors:
        """Vectors (len(rows), dims) of rows, the release's own or new."""
        own = self.release.columns.vectors(space)
        if not self.new.payloads:
            return own[rows]
        numbers = np.asarray(rows, np.int64)
        is_new = numbers >= self.num_own
        if not is_new.any():
            return own[numbers]
        vectors = np.empty((len(numbers), own.shape[1]), np.float32)
        vectors[~is_new] = own[numbers[~is_new]]
        vectors[is_new] = self.new.vectors(space)[numbers[is_new] - self.num_own]
        return vectors

    def words(self, rows: list[int] | NDArray[np.int64]) -> SparseRows:
        """The words of rows, the release's own or new, in their order."""
        own, numbers = self.release.columns.words.rows, np.asarray(rows, np.int64)
        is_new = numbers >= self.num_own
        if not is_new.any():
            return own.take(numbers)
        new = self.new.words()
        return SparseRows.of([new.row(row - self.num_own) if row >= self.num_own else own.row(row) for row in rows])

    def passages(self, row: int) -> RowPassages:
        """The passages of a row's text, the release's own or new."""
        if row >= self.num_own:
            return self.new.passages.of(row - self.num_own)
        return NO_PASSAGES if self.release.passages is None else self.release.passages.of_row(row)

    def best_passage(self, row: int, vector: NDArray[np.float32]) -> tuple[int, int] | None:
        """The passage of a row that is nearest to `vector` (dims,), as (start, end) in its text; None without any."""
        found = self.passages(row)
        return found.offsets[int(np.argmax(found.vectors() @ vector))] if found.offsets else None

    def _put(self, change: Put) -> None:
        item = change.item
        own = self._find_own(item.id)
        before = self.row_of(item.id)
        popularity = item.popularity
        if popularity is None:
            # Derived from listens at a build; a row that was never built has none yet.
            known = before if before >= 0 else own
            popularity = self.payload(known).popularity if known >= 0 else 0.0
        payload = payload_of(item, self.release.classes.add(item.availability), popularity)
        slot = self.new.append(
            payload,
            row_hashes(item, self.release.manifest.input_fields),
            own if own >= 0 else NO_ORIGIN,
            self._own_vectors(change.text, change.tower),
            self._own_words(change),
            self._own_passages(change),
        )
        if self.new.has_vectors[slot]:
            self.unencoded.pop(item.id, None)
        else:
            self.unencoded[item.id] = item
        self.dropped.append(
            (_TAKEN_DOWN if item.id in self.taken_down else 0) | (0 if self.new.has_vectors[slot] else _UNENCODED)
        )
        self.any_dropped |= bool(self.dropped[-1])
        self._replace(item.id, self.num_own + slot)
        self._marked[_mark(item.id)] = self.num_own + slot

    def _own_vectors(self, text: dict[str, bytes], tower: dict[str, bytes]) -> dict[str, NDArray[np.float32]]:
        manifest = self.release.manifest
        found = {"text": text.get(manifest.encoder_hash or ""), "tower": tower.get(manifest.model_hash or "")}
        return {space: np.frombuffer(data, "<f4") for space, data in found.items() if data and space in manifest.dims}

    def _own_words(self, change: Put) -> Sparse:
        """As the release's own were made; where nobody knows how, it is not asked by words."""
        words = change.words.get(self.release.manifest.words_hash)
        if words is not None:
            return from_bytes(words)
        way = self.release.words_way
        return words_of(change.item) if way is None else way.words_of(change.item)

    def _own_passages(self, change: Put | Encoded) -> RowPassages | None:
        return change.passages.get(self.release.manifest.encoder_hash or "")

    def _remove(self, item_id: str) -> None:
        self.unencoded.pop(item_id, None)
        self._replace(item_id, _MISSING)

    def _replace(self, item_id: str, row: int) -> None:
        before = self.row_of(item_id)
        if before >= 0:
            self.dropped[before] |= _REPLACED
            self.any_dropped = True
        self._moved[item_id] = row

    def _mark(self, item_id: str) -> None:
        row = self.row_of(item_id)
        if row >= 0:
            self.dropped[row] |= _TAKEN_DOWN
            self.any_dropped = True

    def _unmark(self, item_id: str) -> None:
        row = self.row_of(item_id)
        if row >= 0:
            self.dropped[row] &= ~_TAKEN_DOWN


def _mark(item_id: str) -> int:
    return int.from_bytes(blake2b(item_id.encode(), digest_size=8).digest()) >> 1
