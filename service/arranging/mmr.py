"""The MMR candidate pool: the next row by relevance, less its similarity to the rows in the list already."""

from collections.abc import Callable, Sequence, Set

import numpy as np
from numpy.typing import NDArray

from embedding.protocols import Vectors
from service.arranging.cap_counts import CapCounts
from service.arranging.short_reason import NO_LONGER


class MmrPool:
    """P rows with their relevance (P,), of which the list takes one after the other.

    Maximal marginal relevance (Carbonell & Goldstein 1998, SIGIR, section 2): lambda * relevance less
    (1 - lambda) * the greatest similarity to a row that was taken; `diversity` is 1 - lambda.
    """

    def __init__(self, rows: list[int], relevance: NDArray[np.float64], diversity: float, counts: CapCounts) -> None:
        self._rows = rows
        self._relevance = relevance
        self._diversity = diversity
        self._counts = counts
        # Of each row that is left, by its relevance and by what was taken; minus infinity for one that is not left.
        self._worth: NDArray[np.float64] = (1.0 - diversity) * relevance
        # (P, P) what the worth of each column's row comes to, once the row of the line was taken.
        self._worth_beside: NDArray[np.float64] | None = None
        # Nothing is like an empty list.
        self._has_taken = False
        self.removed: dict[str, int] = {}
        """How many rows each cap kept out, and how many may be shown no longer."""

    def measure(self, vectors: Callable[[list[int]], Vectors], taken: Sequence[int]) -> None:
        """Compare all rows with one another, and with those `taken` before; `vectors` gives unit vectors (R, dims)."""
        if not self._rows:
            return
        own = vectors(self._rows)
        alike = own @ own.T
        self._worth_beside = self._worth - self._diversity * alike
        if not taken:
            return
        place = {row: number for number, row in enumerate(self._rows)}
        # Rows of this pool are compared as they will be on the next page, to the last bit: pages join to one list.
        inside = [place[row] for row in taken if row in place]
        outside = [row for row in taken if row not in place]
        parts = [alike[inside]] if inside else []
        if outside:
            parts.append(vectors(outside) @ own.T)
        self._worth = self._worth - self._diversity * np.concatenate(parts).max(axis=0)
        self._has_taken = True

    def leave_out(self, taken: Set[int], still_passes: Callable[[int], bool] | None) -> None:
        """Take rows out of the pool: those `taken` before, and those that are not `still_passes` to be shown."""
        for place, row in enumerate(self._rows):
            if row in taken:
                self._worth[place] = -np.inf
            elif still_passes is not None and not still_passes(row):
                self._worth[place] = -np.inf
                self.removed[NO_LONGER] = self.removed.get(NO_LONGER, 0) + 1

    def next(self) -> tuple[int, float] | None:
        """The best row that is left, with its relevance; None when there is none."""
        if not self._rows:
            return None
        worth = self._worth
        while True:
            best = int(worth.argmax())
            if worth[best] == -np.inf:
                return None
            row = self._rows[best]
            broken = self._counts.take(row)
            worth[best] = -np.inf
            if broken is None:
                break
            self.removed[broken] = self.removed.get(broken, 0) + 1
        if self._worth_beside is not None:
            beside = self._worth_beside[best]
            if self._has_taken:
                # The greatest similarity to any that was taken leaves the least worth.
                np.minimum(worth, beside, out=worth)
            else:
                np.copyto(worth, beside, where=worth != -np.inf)
                self._has_taken = True
        return row, float(self._relevance[best])
