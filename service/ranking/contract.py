"""The contract of a ranking: rows, best first, re-checked, that can be asked for more of themselves."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from service.schemas.answers import Space


class Candidates(Struct, frozen=True):
    """The first of a ranking, best first; `exhausted` when there are no more that may be shown.

    `num_excluded` rows among them and before them were let through by the rules and left out all the same, as the
    request excludes them or the listener has heard them; it is only exact once all is exhausted. `sources` says of rows
    that are here only because better ones are not, where they are from. `most_to_come` is what a row after these can
    score at the most, None where it is what the last of them has. `cut`: there are more, and they score too little.
    """

    rows: list[int]
    scores: list[float]
    exhausted: bool
    num_excluded: int = 0
    sources: Mapping[int, str] = {}
    most_to_come: float | None = None
    cut: bool = False


class Ranking(Protocol):
    """Rows that one request may show, in an order that does not depend on how many are asked for."""

    def spaces_of(self, rows: Sequence[int]) -> Sequence[Space | None]:
        """The space by which each of its rows was scored; None where by none, but by ranks or for itself."""

    async def first(self, depth: int) -> Candidates:
        """The first `depth` rows, or all there are; what `first(k)` gives is how `first(n)` begins, n > k.

        Every row passed the re-check after the last moment at which the journal could move on; none is excluded and
        none comes twice. Raises StoreError when the engine fails.
        """


@runtime_checkable
class Scored(Protocol):
    """A ranking in which each row stands by a score of its own."""

    def scores_of(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """(R,) the scores of rows, whatever the rules say of them."""
