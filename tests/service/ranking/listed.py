"""Rankings whose answer is known: a list of rows, of which a journal may drop some while others are asked."""

from collections.abc import Callable, Sequence
from typing import cast

from indexing.journal.current_rows import CurrentRows
from service.ranking.contract import Candidates


class Listed:
    """A ranking of the given rows, scored from 1 downwards, of which the current rows still show those they show."""

    def __init__(
        self, rows: Sequence[int], shown: "Shown", num_excluded: int = 0, before: Callable[[], None] | None = None
    ) -> None:
        self._rows, self._shown, self._num_excluded, self._before = rows, shown, num_excluded, before

    def spaces_of(self, rows: Sequence[int]) -> Sequence[None]:
        return [None] * len(rows)

    async def first(self, depth: int) -> Candidates:
        if self._before is not None:
            self._before()
        left = [row for row in self._rows if row not in self._shown.dropped]
        rows = left[:depth]
        exhausted = len(rows) < depth
        scores = [1 - place / 1000 for place in range(len(rows))]
        return Candidates(rows, scores, exhausted, self._num_excluded if exhausted else 0)


class Shown:
    """As much of CurrentRows as rankings of rankings ask for."""

    def __init__(self) -> None:
        self.dropped: set[int] = set()

    def shows(self, rows: Sequence[int]) -> bool:
        return not self.dropped.intersection(rows)

    @property
    def rows(self) -> CurrentRows:
        return cast("CurrentRows", self)
