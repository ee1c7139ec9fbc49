"""The next best row of a pool, greedily: by relevance, less its likeness to what is in the list already."""

from collections.abc import Callable, Sequence, Set

import numpy as np
from numpy.typing import NDArray

from embedding.protocols import Vectors
from service.limits import NO_LONGER, Limits


class Pool:
    """P rows with their relevance (P,), of which the list takes one after the other.

    Maximal marginal relevance (Carbonell & Goldstein 1998, SIGIR, section 2): lambda * relevance less
    (1 - lambda) * the greatest similarity to a row that was taken; `diversity` is 1 - lambda.
    """

    def __init__(self, rows: list[int], relevance: NDArray[np.float64], diversity: float, limits: Limits) -> None:
        self._rows = rows
        self._relevance = relevance
        self._diversity = diversity
        self._limits = limits
        self._worth: NDArray[np.float64] = (1.0 - diversity) * relevance
        self._alike: NDArray[np.float32] | None = None
        # Nothing is like an empty list.
        self._nearest: NDArray[np.float32] = np.zeros(len(rows), dtype=np.float32)
        self._num_measured = 0
        self.left_out: dict[str, int] = {}
        """How many rows each rule of the limits kept away."""

    def measure(self, vectors: Callable[[list[int]], Vectors], taken: Sequence[int]) -> None:
        """Compare all rows with one another, and with those `taken` before; `vectors` gives unit vectors (R, dims)."""
        if not self._rows:
            return
        own = vectors(self._rows)
        self._alike = own @ own.T
        if not taken:
            return
        place = {row: number for number, row in enumerate(self._rows)}
        # Rows of this pool are compared as they will be on the next page, to the last bit: pages join to one list.
        inside = [place[row] for row in taken if row in place]
        outside = [row for row in taken if row not in place]
        parts = [self._alike[inside]] if inside else []
        if outside:
            parts.append(vectors(outside) @ own.T)
        self._nearest = np.concatenate(parts).max(axis=0)
        self._num_measured = len(taken)

    def leave_out(self, taken: Set[int], still: Callable[[int], bool] | None) -> None:
        """Take rows out of the pool: those `taken` before, and those that are not `still` to be shown."""
        for place, row in enumerate(self._rows):
            if row in taken:
                self._worth[place] = -np.inf
            elif still is not None and not still(row):
                self._worth[place] = -np.inf
                self.left_out[NO_LONGER] = self.left_out.get(NO_LONGER, 0) + 1

    def next(self) -> tuple[int, float] | None:
        """The best row that is left, with its relevance; None when there is none."""
        if not self._rows:
            return None
        if self._alike is None or not self._num_measured:
            worth = self._worth
        else:
            worth = self._worth - self._diversity * self._nearest
        while True:
            best = int(worth.argmax())
            if worth[best] == -np.inf:
                return None
            row = self._rows[best]
            broken = self._limits.take(row)
            self._worth[best] = -np.inf
            if broken is None:
                break
            worth[best] = -np.inf
            self.left_out[broken] = self.left_out.get(broken, 0) + 1
        if self._alike is not None:
            if self._num_measured:
                np.maximum(self._nearest, self._alike[best], out=self._nearest)
            else:
                self._nearest = self._alike[best].copy()
            self._num_measured += 1
        return row, float(self._relevance[best])
