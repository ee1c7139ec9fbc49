"""How a catalogue differs from what the live release shows: row by row, by the hashes that were kept of each row."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from embedding.catalogue import read_catalogue
from embedding.progress import Reporter
from embedding.rejects import Rejects
from embedding.rows import Item
from embedding.spool import Spool
from indexing.availability import EVERYWHERE_CLASS, availability_class
from indexing.columns import HASH_BYTES, row_hashes
from indexing.journal.current_rows import CurrentRows

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
        self.removed: list[str] = []
        self.diff = Diff(examples={kind: [] for kind in ("added", "changed", "payload_changed", "removed", "opened")})

    def read(self, catalogue: Path, rejects: Rejects, max_reject_share: float, reporter: Reporter) -> None:
        """Compare all rows. Raises NotFoundError, or RejectedInputError where too many rows are bad."""
        live = self._live
        own_hashes = live.release.columns.hashes()
        with reporter.stage("compare catalogue", live.num_own) as advance:
            for items in read_catalogue(catalogue, rejects):
                put = [item for item in items if self._differs(item, own_hashes)]
                if put:
                    self._spool.append(put)
                advance(len(items))
        rejects.enforce(max_reject_share)
        self._find_removed()

    def to_put(self) -> Iterator[list[Item]]:
        """The rows that are new or differ, in batches."""
        return self._spool.batches()

    def _differs(self, item: Item, own_hashes: NDArray[np.uint8]) -> bool:
        live = self._live
        row = live.row_of(item.id)
        if row < 0:
            self._count("added", item.id)
            return True
        self._kept[row] = 1
        before = own_hashes[row].tobytes() if row < live.num_own else live.hashes(row)
        now = row_hashes(item, live.release.manifest.input_fields)
        if now == before:
            self.diff.unchanged += 1
            return False
        self._count("changed" if now[:HASH_BYTES] != before[:HASH_BYTES] else "payload_changed", item.id)
        old_class = live.payload(row).availability_class
        if old_class != EVERYWHERE_CLASS and availability_class(item.availability) == EVERYWHERE_CLASS:
            self._count("opened", item.id)
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
