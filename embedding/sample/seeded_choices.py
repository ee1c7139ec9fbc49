"""Seeded random choices, the same on every machine and Python: made of `Random.random()`, which is guaranteed."""

import random
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import TypeVar

T = TypeVar("T")


class SeededChoices:
    """A seeded source of choices."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def chance(self, share: float) -> bool:
        """True in `share` of the calls."""
        return self._random.random() < share

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self._random.random() * (high - low + 1))

    def one(self, values: Sequence[T]) -> T:
        """One of `values`."""
        return values[self.between(0, len(values) - 1)]

    def some(self, values: Sequence[T], count: int) -> list[T]:
        """`count` different places of `values`, in drawn order (Fisher-Yates, stopped early)."""
        result = list(values)
        last = len(result) - 1
        for place in range(min(count, last)):
            other = self.between(place, last)
            result[place], result[other] = result[other], result[place]
        return result[:count]

    def shuffled(self, values: Sequence[T]) -> list[T]:
        """All of `values` in drawn order."""
        return self.some(values, len(values))


class WeightedChoice:
    """Places 0 to n - 1, each drawn as often as its weight says."""

    def __init__(self, weights: Sequence[float]) -> None:
        self._sums = list(accumulate(weights))

    def draw(self, choices: SeededChoices) -> int:
        """One place."""
        # A million steps are fine enough for a few hundred places.
        share = choices.between(0, 999_999) / 1_000_000
        return min(bisect_right(self._sums, share * self._sums[-1]), len(self._sums) - 1)
