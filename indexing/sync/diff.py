"""How a catalogue differs from what the live release shows: row by row, by the hashes that were kept of each row."""

from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from embedding.progress import Reporter
from embedding.rows.catalogue import read_catalogue
from embedding.rows.column_map.row_parsers import PLAIN_ROWS, RowParsers
from embedding.rows.rejects import Rejects
from embedding.rows.schema import Item
from embedding.rows.spool import Spool
from indexing.columns.columns import HASH_BYTES, row_hashes
from indexing.journal.current_rows import CurrentRows
from indexing.payload.availability import EVERYWHERE_CLASS, availability_class
from indexing.releases.known_lines import AmbiguousLinesError, KnownLines

_NUM_EXAMPLES = 10


class Diff(Struct, kw_only=True):
    """Counts of rows, and some ids of each kind.

    `changed`: a field that is an input of text encoder or tower differs; `payload_changed`: any other does.
    `opened`: rows, among those, that were restricted and would be open everywhere.
    """

    added: int = 0
    changed: int = 0
    payload_changed: int = 0
    removed: int = 0
    unchanged: int = 0
    opened: int = 0
    before: int = 0
    examples: dict[str, list[str]]

    @property
    def num_changes(self) -> int:
        """Rows that would be put or removed."""
        return self.added + self.changed + self.payload_changed + self.removed


class Difference:
    """One comparison; the rows to put wait on disk until the context is left."""

    def __init__(self, live: CurrentRows, spool: Spool) -> None:
        self._live = live
        self._spool = spool
        self._kept = bytearray(live.num_own + len(live.new))
        # Of the rows that were read, in their order: where they were found unchanged, else the next of the ids put.
        self._rows_read = array("i")
        self._ids_put: list[str] = []
        self.removed: list[str] = []
        self.diff = Diff(examples={kind: [] for kind in ("added", "changed", "payload_changed", "removed", "opened")})

    def read(
        self,
        catalogue: Path,
        rejects: Rejects,
        max_reject_share: float,
        reporter: Reporter,
        known: NDArray[np.void] | None = None,
        rows: RowParsers = PLAIN_ROWS,
    ) -> KnownLines:
        """Compare all rows, read as `rows` say; lines that are `known` (see KnownLines) are taken as they were.

        Gives the lines read.
        Raises NotFoundError, RejectedInputError where too many rows are bad, and AmbiguousLinesError.
        """
        live = self._live
        lines = KnownLines(known, self._kept)
        own_hashes = live.release.columns.hashes()
        with reporter.stage("compare catalogue", live.num_own) as advance:
            passed_over = 0
            for items in read_catalogue(catalogue, rejects, unchanged=lines, parser=rows.catalogue):
                put = [item for item in items if self._differs(item, own_hashes)]
                if put:
                    self._spool.append(put)
                advance(len(items) + lines.num_known - passed_over)
                passed_over = lines.num_known
            advance(lines.num_known - passed_over)
        rejects.accept(lines.num_known)
        rejects.enforce(max_reject_share)
        self.diff.unchanged += lines.num_known
        self._find_removed()
        return lines

    def rows_read(self, now: CurrentRows) -> NDArray[np.int32]:
        """The rows that those which were read have `now`, after the difference was carried out, in their order."""
        rows = np.array(self._rows_read, np.int32)
        rows[rows < 0] = [now.row_of(item_id) for item_id in self._ids_put]
        return rows

    def to_put(self) -> Iterator[list[Item]]:
        """The rows that are new or differ, in batches."""
        return self._spool.batches()

    def _differs(self, item: Item, own_hashes: NDArray[np.uint8]) -> bool:
        live = self._live
        row = live.row_of(item.id)
        if row < 0:
            self._count("added", item.id)
            return self._read_as_put(item)
        if self._kept[row]:
            raise AmbiguousLinesError(f"two rows have the id {item.id!r}, and the first was not read")
        self._kept[row] = 1
        before = own_hashes[row].tobytes() if row < live.num_own else live.hashes(row)
        now = row_hashes(item, live.release.manifest.input_fields)
        if now == before:
            self.diff.unchanged += 1
            self._rows_read.append(row)
            return False
        self._count("changed" if now[:HASH_BYTES] != before[:HASH_BYTES] else "payload_changed", item.id)
        old_class = live.payload(row).availability_class
        if old_class != EVERYWHERE_CLASS and availability_class(item.availability) == EVERYWHERE_CLASS:
            self._count("opened", item.id)
        return self._read_as_put(item)

    def _read_as_put(self, item: Item) -> bool:
        self._rows_read.append(-1)
        self._ids_put.append(item.id)
        return True

    def _count(self, kind: str, item_id: str) -> None:
        setattr(self.diff, kind, getattr(self.diff, kind) + 1)
        if len(self.diff.examples[kind]) < _NUM_EXAMPLES:
            self.diff.examples[kind].append(item_id)

    def _find_removed(self) -> None:
        live = self._live
        for row in live.rows():
            self.diff.before += 1
            if not self._kept[row]:
                item_id = live.id_of(row)
                self.removed.append(item_id)
                self._count("removed", item_id)
