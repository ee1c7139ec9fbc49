"""The semantic ranking: the maximum over an item's own vector and those of its passages."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indexing.columns.scoring import one_by_one
from indexing.journal.current_rows import CurrentRows
from indexing.release.passages import PASSAGES
from service.ranking.contract import Candidates
from service.ranking.nearest import Nearest
from service.schemas.answers import Passage, Space


class MaxOverPassages:
    """Rows of two rankings of the same scale, each by its better score; the first has every row that may be shown.

    What is among the best `depth` of both together is among the best `depth` of the one that has its better score.
    """

    def __init__(self, current: CurrentRows, one: Nearest, other: Nearest) -> None:
        self._current, self._one, self._other = current, one, other
        self.context, self.using = one.context, one.using

    @property
    def plan(self) -> str | None:
        """As Nearest."""
        return self._one.plan

    def spaces_of(self, rows: Sequence[int]) -> Sequence[Space]:
        """As Ranking."""
        return ["text"] * len(rows)

    async def first(self, depth: int) -> Candidates:
        """The best `depth` rows (Ranking.first). Raises StoreError when the engine fails."""
        while True:
            other, one = await self._other.first(depth), await self._one.first(depth)
            best = dict(zip(other.rows, other.scores, strict=True))
            for row, score in zip(one.rows, one.scores, strict=True):
                best[row] = max(score, best.get(row, score))
            order = sorted(best.items(), key=lambda entry: (-entry[1], entry[0]))[:depth]
            rows, scores = [row for row, _ in order], [score for _, score in order]
            # The journal may have moved on between the two.
            if not any(self._current.dropped[row] for row in rows):
                return Candidates(rows, scores, len(rows) < depth, one.num_excluded)

    def scores_of(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """(R,) how near rows are, by the better of their vectors (Scored)."""
        return scores_of(rows, self._current, self._one.vector).astype(np.float64)


def scores_of(rows: NDArray[np.int64], current: CurrentRows, vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """How near rows (R,) are to `vector` (dims,), each by its own vector or its best passage."""
    # Rows that are alike score alike, wherever they stand.
    scores = one_by_one(current.vectors("text", rows), vector)
    passages = current.release.passages
    if passages is not None:
        starts, ends = np.searchsorted(passages.rows, rows), np.searchsorted(passages.rows, rows, side="right")
        for place in np.flatnonzero(ends > starts):
            near = one_by_one(passages.vectors(PASSAGES)[starts[place] : ends[place]], vector)
            scores[place] = max(scores[place], near.max())
    new = rows >= current.num_own
    if new.any():
        of_passages = current.new.scores(PASSAGES, vector)[rows[new] - current.num_own]
        scores[new] = np.maximum(scores[new], of_passages)
    return scores


def nearer_passages(rows: list[int], current: CurrentRows, vector: NDArray[np.float32]) -> dict[int, Passage]:
    """Of the rows that have a passage nearer to `vector` (dims,) than their own vector, where it stands in the text."""
    nearer = {}
    for row in rows:
        found = current.passages(row)
        if not found.offsets:
            continue
        scores = found.vectors() @ vector
        best = int(np.argmax(scores))
        if scores[best] > float(current.vectors("text", [row])[0] @ vector):
            nearer[row] = Passage(*found.offsets[best])
    return nearer
