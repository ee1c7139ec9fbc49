"""The score threshold: a ranking without the rows that score less than a request asks for."""

import math
from collections.abc import Sequence

from service.ranking.contract import Candidates, Ranking
from service.schemas.answers import Space

# A hit shows six digits of its score, and passes where it is asked for by those.
_ROUNDING = 5e-7
_DEEPER = 4


class AboveThreshold:
    """Those rows of a `ranking` that score `threshold` or more, in its order."""

    def __init__(self, ranking: Ranking, threshold: float) -> None:
        self.ranking = ranking
        self._least = threshold - _ROUNDING

    def spaces_of(self, rows: Sequence[int]) -> Sequence[Space | None]:
        """As Ranking."""
        return self.ranking.spaces_of(rows)

    async def first(self, depth: int) -> Candidates:
        """The first `depth` rows (Ranking.first). Raises StoreError when the engine fails."""
        read = depth
        while True:
            found = await self.ranking.first(read)
            places = [place for place, score in enumerate(found.scores) if score >= self._least]
            enough = len(places) >= depth
            if enough or found.exhausted or _most_to_come(found) < self._least:
                return Candidates(
                    [found.rows[place] for place in places[:depth]],
                    [found.scores[place] for place in places[:depth]],
                    not enough,
                    found.num_excluded,
                    {
                        row: found.sources[row]
                        for place in places[:depth]
                        if (row := found.rows[place]) in found.sources
                    },
                    cut=not enough and (not found.exhausted or len(places) < len(found.rows)),
                )
            read *= _DEEPER


def above(ranking: Ranking, threshold: float | None) -> Ranking:
    """The ranking by a threshold; as it is where there is none."""
    return ranking if threshold is None else AboveThreshold(ranking, threshold)


def bare(ranking: Ranking | None) -> Ranking | None:
    """The ranking itself, whatever threshold it is asked by."""
    return ranking.ranking if isinstance(ranking, AboveThreshold) else ranking


def _most_to_come(found: Candidates) -> float:
    if found.most_to_come is not None:
        return found.most_to_come
    return found.scores[-1] if found.scores else math.inf
