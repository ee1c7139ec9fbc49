"""The rows that one request may be shown, all of them: what is counted, listed and suggested."""

from functools import cached_property

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from indexing.release.release import Release
from indexing.rules.compiled import CompiledContext
from service.loaded.exclusions import Exclusions
from service.loaded.loaded_release import LoadedRelease
from service.loaded.recheck import Recheck

# A byte for each row, and four for each row and creator where something is suggested: 6 MB each of a million.
_NUM_KEPT = 8


class SelectedRows:
    """The release's own rows and the journal's that a context lets pass, as of one moment of the journal (`seq`).

    What is heavy is worked out where it is first asked for, which need not be the event loop's thread.
    """

    def __init__(
        self,
        release: Release,
        compiled: CompiledContext,
        *,
        seq: int,
        dropped: bytes | None,
        left_out: NDArray[np.int64],
        slots: NDArray[np.int64],
    ) -> None:
        """`dropped`: what the journal hides, by row; `left_out`: own rows that are excluded or blocked by id."""
        self.compiled, self.seq = compiled, seq
        self.slots = slots
        """The journal's rows, by slot."""
        self._release, self._dropped, self._left_out = release, dropped, left_out

    @cached_property
    def own(self) -> NDArray[np.bool_]:
        """(N,) which of the release's own rows; not to be written to."""
        mask = self._release.fields.mask(self.compiled.filter)
        if self._dropped is None and not len(self._left_out):
            return mask
        mask = mask.copy()
        if self._dropped is not None:
            mask &= np.frombuffer(self._dropped, np.uint8)[: len(mask)] == 0
        mask[self._left_out] = False
        return mask

    @cached_property
    def standings(self) -> NDArray[np.float32]:
        """(N + C,) the popularity of each own row, then of each creator's most popular row among these; -1 for those
        that may not be shown."""
        own = np.where(self.own, self._release.features.popularity, np.float32(-1))
        return np.concatenate((own, self._release.creators.whole.most(own))).astype(np.float32)

    def without(self, rows: NDArray[np.int64], slots: NDArray[np.int64]) -> "SelectedRows":
        """The same but for own `rows`, and with those `slots` of the journal alone."""
        left_out = np.concatenate((self._left_out, rows))
        return SelectedRows(
            self._release, self.compiled, seq=self.seq, dropped=self._dropped, left_out=left_out, slots=slots
        )


class Selector:
    """Selects rows of one loaded release; the latest contexts are kept."""

    def __init__(self, loaded: LoadedRelease, recheck: Recheck) -> None:
        self._release, self._rows, self._recheck = loaded.release, loaded.rows, recheck
        # By identity, as hashing a compiled context would walk its filter; holding it keeps the identity its own.
        self._kept: LRUCache[int, SelectedRows] = LRUCache(_NUM_KEPT)

    def of(self, compiled: CompiledContext, excluded: Exclusions) -> SelectedRows:
        """The rows that `compiled` lets pass and that are not `excluded`, as the journal has them now."""
        current = self._rows
        kept = self._kept.get(id(compiled))
        if kept is None or kept.compiled is not compiled or kept.seq != current.seq:
            kept = self._kept[id(compiled)] = SelectedRows(
                self._release,
                compiled,
                seq=current.seq,
                dropped=bytes(current.dropped[: current.num_own]) if current.any_dropped else None,
                left_out=np.array(sorted(self._recheck.blocked), np.int64),
                slots=self._recheck.verdict(compiled).new_slots(),
            )
        without = excluded.all_rows()
        if not len(without):
            return kept
        gone = set(without.tolist())
        slots = [s for s in kept.slots.tolist() if not {current.num_own + s, current.new.origins[s]} & gone]
        return kept.without(without[without < current.num_own], np.array(slots, np.int64))
