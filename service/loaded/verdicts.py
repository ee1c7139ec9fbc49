"""Verdicts of the re-check by context: whether its rules let a row pass, worked out once a row."""

from collections.abc import Callable, Sequence

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from indexing.journal.current_rows import CurrentRows
from indexing.payload.payload import Payload
from indexing.rules.compiled import CompiledContext

_UNKNOWN, PASSES, _FORBIDDEN = 0, 1, 2
_ALL_PASS = {PASSES}
# As many contexts as the rules keep compiled, in at most 32 MB (one byte a row each), but always a few.
_MOST_KEPT, _FEWEST_KEPT = 256, 8
_KEPT_BYTES = 1 << 25


class Verdict:
    """The predicate of one compiled context over the rows of one release; neither ever changes for a row."""

    def __init__(self, accepts: Callable[[Payload], bool], rows: CurrentRows) -> None:
        self._accepts = accepts
        self._rows = rows
        self.known = bytearray(rows.num_own)
        """What was worked out so far, by row: PASSES, or ask `passes`."""
        # Slots of the journal's rows that pass; those that are shown now, as of `_seq`.
        self._passing: list[int] = []
        self._num_judged = 0
        self._shown: NDArray[np.int64] = np.zeros(0, np.int64)
        self._seq = -1

    def passes(self, row: int) -> bool:
        """Whether the rules let one of the release's own rows pass."""
        known = self.known[row]
        if known == _UNKNOWN:
            known = PASSES if self._accepts(self._rows.payload(row)) else _FORBIDDEN
            self.known[row] = known
        return known == PASSES

    def passed_all(self, rows: Sequence[int]) -> bool:
        """Whether all of these own rows are known to pass; False where one was not asked of yet."""
        return set(map(self.known.__getitem__, rows)) <= _ALL_PASS

    def new_slots(self) -> NDArray[np.int64]:
        """Slots of the journal's rows that pass and are shown now."""
        rows = self._rows
        if self._seq != rows.seq:
            for slot in range(self._num_judged, len(rows.new)):
                if self._accepts(rows.new.payloads[slot]):
                    self._passing.append(slot)
            self._num_judged = len(rows.new)
            self._shown = np.array([s for s in self._passing if not rows.dropped[rows.num_own + s]], np.int64)
            self._seq = rows.seq
        return self._shown


class Verdicts:
    """The verdicts of the contexts used last."""

    def __init__(self, rows: CurrentRows) -> None:
        self._rows = rows
        num_kept = min(_MOST_KEPT, max(_FEWEST_KEPT, _KEPT_BYTES // max(1, rows.num_own)))
        # By identity: hashing a compiled context would walk its whole filter. Holding it keeps the identity its own.
        self._kept: LRUCache[int, tuple[CompiledContext, Verdict]] = LRUCache(num_kept)

    def of(self, compiled: CompiledContext) -> Verdict:
        """The verdict of a compiled context."""
        kept = self._kept.get(id(compiled))
        if kept is None:
            kept = self._kept[id(compiled)] = compiled, Verdict(compiled.accepts, self._rows)
        return kept[1]
