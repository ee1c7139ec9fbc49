"""The order in which a ranking is shown, and what is left out of it, under the arrangement rules of one request.

A list is arranged row by row, and each row depends only on those before it: so the first `k` are the same whatever
`limit` was, and a page begins where the one before it ended.
"""

from collections.abc import Callable, Sequence
from itertools import compress

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from indexing.journal.current_rows import CurrentRows
from indexing.rules.arrangement import Arrangement
from service.arranging.caps import NO_LONGER, Caps
from service.arranging.mmr import MmrPool
from service.arranging.row_features import RowFeatures
from service.ranking.contract import Candidates, Ranking

# Where rows are only left out, not moved: a few more than the page for those that will be.
_SPARE_SHARE = 8
_CAP_SPARE = 2
_DEEPER = 4
# Where rows are moved: each list starts out from so many, twice as many once half of them are shown, and so on.
FIRST_POOL, _POOL_GROWTH = 64, 2


_NONE: frozenset[int] = frozenset()


class ShownBefore(Struct, frozen=True):
    """What was shown of a list before this page, in its order, and how deep its pool was then (0: no pool yet)."""

    shown: tuple[int, ...] = ()
    pool_depth: int = 0


class ArrangedRows(Struct, frozen=True):
    """The next rows of a list with their scores, boosts included; fewer than asked for only when there are no more.

    `left_out` says how many rows of the ranking each arrangement rule kept away, as far as it was read.
    """

    rows: list[int]
    scores: list[float]
    pool_depth: int
    candidates: Candidates
    left_out: dict[str, int]


class Arranger:
    """Arranges rankings of one release."""

    def __init__(self, rows: CurrentRows, traits: RowFeatures) -> None:
        self._rows = rows
        self._traits = traits

    async def arrange(
        self,
        ranking: Ranking,
        arrangement: Arrangement,
        *,
        begun: ShownBefore,
        limit: int,
        using: str,
        at_s: int,
        still: Callable[[int], bool] | None = None,
    ) -> ArrangedRows:
        """The `limit` rows after those shown; `using` is the space in which diversity is measured.

        `still` is asked of every row beside the ranking's own re-check. Raises StoreError when the engine fails.
        """
        gone = self._with_successors(begun.shown) if begun.shown else _NONE
        if arrangement.diversity or arrangement.freshness or arrangement.popularity:
            return await self._moved(ranking, arrangement, begun, limit, using, at_s, gone, still)
        return await self._thinned(ranking, arrangement, begun, limit, gone, still)

    async def _thinned(
        self,
        ranking: Ranking,
        arrangement: Arrangement,
        begun: ShownBefore,
        limit: int,
        gone: frozenset[int],
        still: Callable[[int], bool] | None,
    ) -> ArrangedRows:
        capped = arrangement.max_per_creator is not None or arrangement.max_per_tag is not None
        spare = _CAP_SPARE * limit if capped else 0 if arrangement.same_recording else limit // _SPARE_SHARE
        depth = len(begun.shown) + limit + spare
        while True:
            found = await ranking.first(depth)
            fresh, fresh_scores = found.rows, found.scores
            if gone:
                is_fresh = [row not in gone for row in fresh]
                fresh, fresh_scores = list(compress(fresh, is_fresh)), list(compress(fresh_scores, is_fresh))
            limits = Caps(arrangement, self._traits)
            page = fresh[:limit]
            if still is None and len(page) == limit and limits.fit_together((*begun.shown, *page)):
                return ArrangedRows(page, fresh_scores[:limit], 0, found, {})
            limits.count(begun.shown)
            rows: list[int] = []
            scores: list[float] = []
            left_out: dict[str, int] = {}
            take = limits.take
            for row, score in zip(fresh, fresh_scores, strict=True):
                broken = NO_LONGER if still is not None and not still(row) else take(row)
                if broken is not None:
                    left_out[broken] = left_out.get(broken, 0) + 1
                    continue
                rows.append(row)
                scores.append(score)
                if len(rows) == limit:
                    break
            if len(rows) == limit or found.exhausted:
                return ArrangedRows(rows, scores, 0, found, left_out)
            depth *= _DEEPER

    async def _moved(
        self,
        ranking: Ranking,
        arrangement: Arrangement,
        begun: ShownBefore,
        limit: int,
        using: str,
        at_s: int,
        gone: frozenset[int],
        still: Callable[[int], bool] | None,
    ) -> ArrangedRows:
        rows: list[int] = []
        scores: list[float] = []
        depth = begun.pool_depth or FIRST_POOL
        while True:
            found = await ranking.first(depth)
            # What this page had before the search may have been hidden meanwhile.
            dropped = self._rows.dropped
            kept = [place for place, row in enumerate(rows) if not dropped[row]]
            rows, scores = [rows[place] for place in kept], [scores[place] for place in kept]
            limits = Caps(arrangement, self._traits)
            limits.count((*begun.shown, *rows))
            pool = MmrPool(found.rows, self._relevance(found, arrangement, at_s), arrangement.diversity, limits)
            if arrangement.diversity:
                pool.measure(lambda wanted: self._rows.vectors(using, wanted), (*begun.shown, *rows))
            pool.leave_out(gone.union(rows), still)
            while len(rows) < limit and (found.exhausted or len(begun.shown) + len(rows) < depth // _POOL_GROWTH):
                best = pool.next()
                if best is None:
                    break
                rows.append(best[0])
                scores.append(best[1])
            if len(rows) == limit or found.exhausted:
                return ArrangedRows(rows, scores, depth, found, pool.left_out)
            depth *= _POOL_GROWTH

    def _relevance(self, found: Candidates, arrangement: Arrangement, at_s: int) -> NDArray[np.float64]:
        rows = np.array(found.rows, dtype=np.int64)
        relevance = np.array(found.scores, dtype=np.float64)
        if arrangement.freshness:
            fresh = self._traits.freshness(rows, at_s, arrangement.freshness_half_life_days)
            relevance += arrangement.freshness * fresh
        if arrangement.popularity:
            relevance += arrangement.popularity * self._traits.popularity(rows)
        return relevance

    def _with_successors(self, shown: Sequence[int]) -> frozenset[int]:
        """Rows that were shown, and those that stand for the same items now, as the journal has put them anew."""
        rows = self._rows
        gone = set(shown)
        if rows.any_dropped:
            gone.update(rows.row_of(rows.id_of(row)) for row in shown if rows.dropped[row])
        return frozenset(gone)
