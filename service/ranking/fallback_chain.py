"""The fallback chain: where one ranking ends the next goes on, and each row tells which one it is from."""

from collections.abc import Sequence

from indexing.journal.current_rows import CurrentRows
from service.ranking.contract import Candidates, Ranking


class FallbackChain:
    """Named rankings one after another, each without the rows of those before it; the last one must have all rows."""

    def __init__(self, current: CurrentRows, stages: Sequence[tuple[str, Ranking]]) -> None:
        self._current, self._stages = current, stages

    def spaces_of(self, rows: Sequence[int]) -> Sequence[None]:  # as Ranking
        """As Ranking: by none."""
        return [None] * len(rows)

    async def first(self, depth: int) -> Candidates:
        """The first `depth` rows (Ranking.first), each with its source. Raises StoreError when the engine fails."""
        while True:
            found = await self._asked(depth)
            # The journal may have moved on between two stages.
            if self._current.shows(found.rows):
                return found

    async def _asked(self, depth: int) -> Candidates:
        scores: dict[int, float] = {}
        sources: dict[int, str] = {}
        cut = False
        for source, ranking in self._stages:
            # Whatever is here already may come again.
            found = await ranking.first(depth)
            cut |= found.cut
            for row, score in zip(found.rows, found.scores, strict=True):
                if row not in scores and len(scores) < depth:
                    scores[row], sources[row] = score, source
            if len(scores) == depth:
                return Candidates(list(scores), list(scores.values()), False, sources=sources)
        return Candidates(list(scores), list(scores.values()), True, found.num_excluded, sources, cut=cut)
