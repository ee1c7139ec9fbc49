"""Where each id came first: a hash map of 16 bytes a slot, so that ten million ids fit in memory."""

from array import array

import numpy as np
from numpy.typing import NDArray

_MASK_64 = (1 << 64) - 1
_FIRST_SLOTS = 1 << 12
# Slots behind the last one, so that probing never wraps; at half load a run of this length does not happen by chance.
_TAIL = 1 << 10


class CompactIdMap:
    """Ids by their 64-bit hashes, each with the place where it came first.

    Open addressing in two flat arrays, at most half full. Ids themselves are not kept: among a million, the chance
    that any two share a hash is 3 in 100 million.
    """

    def __init__(self) -> None:
        self._count = 0
        self._mask = _FIRST_SLOTS - 1
        self._hashes = array("Q", bytes(8 * (_FIRST_SLOTS + _TAIL)))
        self._places = array("Q", bytes(8 * (_FIRST_SLOTS + _TAIL)))

    def __len__(self) -> int:
        return self._count

    def __contains__(self, item_id: str) -> bool:
        return self.get(item_id) is not None

    def get(self, item_id: str) -> int | None:
        """The place where `item_id` came first, None where it did not come."""
        wanted = (hash(item_id) & _MASK_64) or 1
        slot = wanted & self._mask
        while found := self._hashes[slot]:
            if found == wanted:
                return self._places[slot]
            slot += 1
        return None

    def add(self, item_id: str, place: int) -> int | None:
        """Note that `item_id` came at `place`; returns the earlier place, and keeps that one, if it came before."""
        # Zero marks an empty slot.
        wanted = (hash(item_id) & _MASK_64) or 1
        hashes = self._hashes
        slot = wanted & self._mask
        while found := hashes[slot]:
            if found == wanted:
                return self._places[slot]
            slot += 1
        hashes[slot] = wanted
        self._places[slot] = place
        self._count += 1
        if 2 * self._count > self._mask or slot + 1 == len(hashes):
            self._grow()
        return None

    def _grow(self) -> None:
        """Double the slots and fill them in one sweep: ids in the order of their slots, each in the next free one."""
        held = np.frombuffer(self._hashes, dtype=np.uint64)
        filled = np.flatnonzero(held)
        self._mask = 2 * self._mask + 1
        first = (held[filled] & np.uint64(self._mask)).astype(np.int64)
        order = np.argsort(first, kind="stable")
        steps = np.arange(len(order))
        slots = np.maximum.accumulate(first[order] - steps) + steps
        num_slots = max(self._mask + 1 + _TAIL, int(slots[-1]) + 2)
        self._hashes = _spread(held[filled][order], slots, num_slots)
        self._places = _spread(np.frombuffer(self._places, dtype=np.uint64)[filled][order], slots, num_slots)


def _spread(values: NDArray[np.uint64], slots: NDArray[np.int64], num_slots: int) -> "array[int]":
    flat = array("Q", bytes(8 * num_slots))
    np.frombuffer(flat, dtype=np.uint64)[slots] = values
    return flat
