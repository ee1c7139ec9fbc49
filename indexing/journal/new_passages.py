"""The passages of the rows that the journal put, and which of a row's is nearest to a query."""

from array import array

import numpy as np
from numpy.typing import NDArray

from indexing.release.passages import NO_PASSAGES, RowPassages

_FIRST_CAPACITY = 64


class NewPassages:
    """Passages by the slots of `NewRows`, their vectors (dims,) in one array."""

    def __init__(self, dims: int) -> None:
        self._vectors = np.zeros((_FIRST_CAPACITY, dims), np.float32)
        # The slot of each passage, and for each slot that has any, where its own begin and their offsets.
        self._slots = array("i")
        self._of_slot: dict[int, tuple[int, tuple[tuple[int, int], ...]]] = {}

    def give(self, slot: int, passages: RowPassages) -> None:
        """Set the passages of a slot; those that it has already stay."""
        if slot in self._of_slot or not passages.offsets:
            return
        start, end = len(self._slots), len(self._slots) + len(passages.offsets)
        if end > len(self._vectors):
            room = np.zeros((max(end, len(self._vectors)), self._vectors.shape[1]), np.float32)
            self._vectors = np.concatenate((self._vectors, room))
        self._vectors[start:end] = passages.vectors()
        self._slots.extend([slot] * len(passages.offsets))
        self._of_slot[slot] = start, passages.offsets

    def of(self, slot: int) -> RowPassages:
        """The passages of a slot."""
        if slot not in self._of_slot:
            return NO_PASSAGES
        start, offsets = self._of_slot[slot]
        return RowPassages.of(offsets, self._vectors[start : start + len(offsets)])

    def scores(self, vector: NDArray[np.float32], num_slots: int) -> NDArray[np.float32]:
        """(num_slots,) of the best passage of each for `vector` (dims,); minus infinity where there is none."""
        scores = np.full(num_slots, -np.inf, np.float32)
        if self._slots:
            slots = np.array(self._slots)
            np.maximum.at(scores, slots, self._vectors[: len(slots)] @ vector)
        return scores
