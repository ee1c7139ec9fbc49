"""Reciprocal rank fusion (RRF): rankings by unlike scores in one, a row counting by its ranks alone.

Cormack, Clarke and Büttcher, SIGIR 2009: Reciprocal rank fusion outperforms Condorcet and individual rank learning
methods.
"""

from collections import defaultdict
from collections.abc import Sequence

from indexing.journal.current_rows import CurrentRows
from service.ranking.contract import Candidates, Ranking

# Section 3 of the paper.
_K = 60
# How deep the rankings are read, step by step: what was fused from so many stands before all that comes later, so that
# the list begins the same way however much of it is asked for.
_FIRST_DEPTH, _DEEPER = 200, 8


class Rrf:
    """The fusion by ranks."""

    name = "rrf"

    def fuse(self, current: CurrentRows, rankings: Sequence[Ranking]) -> "ReciprocalRankFusion":
        """As Fusion."""
        return ReciprocalRankFusion(current, rankings)


class ReciprocalRankFusion:
    """The union of rankings, by the sum of 1 / (60 + rank) over those that have a row; ranks count from 1."""

    def __init__(self, current: CurrentRows, rankings: Sequence[Ranking]) -> None:
        self._current, self._rankings = current, rankings

    def spaces_of(self, rows: Sequence[int]) -> Sequence[None]:  # as Ranking
        """As Ranking: by none."""
        return [None] * len(rows)

    async def first(self, depth: int) -> Candidates:
        """The first `depth` rows (Ranking.first). Raises StoreError when the engine fails."""
        while True:
            found = await self._asked(depth)
            # The journal may have moved on between two rankings.
            if self._current.shows(found.rows):
                return found

    async def _asked(self, depth: int) -> Candidates:
        fused: dict[int, float] = {}
        read = _FIRST_DEPTH
        while True:
            parts = [await ranking.first(read) for ranking in self._rankings]
            for row, score in _by_rank(parts):
                fused.setdefault(row, score)
            if len(fused) >= depth or all(part.exhausted for part in parts):
                break
            read *= _DEEPER
        exhausted = len(fused) < depth
        num_excluded = max(part.num_excluded for part in parts) if exhausted else 0
        # What comes first in a later step may stand higher than what comes last here.
        most_to_come = len(parts) / (_K + read + 1)
        rows, scores = list(fused)[:depth], list(fused.values())[:depth]
        if len(fused) > depth:
            most_to_come = max(most_to_come, *list(fused.values())[depth:])
        return Candidates(rows, scores, exhausted, num_excluded, most_to_come=most_to_come)


def _by_rank(parts: Sequence[Candidates]) -> list[tuple[int, float]]:
    """Rows with their scores, best first; of equals the one that an earlier ranking has higher up."""
    scores: defaultdict[int, float] = defaultdict(float)
    for part in parts:
        for rank, row in enumerate(part.rows, start=1):
            scores[row] += 1 / (_K + rank)
    return sorted(scores.items(), key=lambda one: -one[1])
