"""Arranging a ranking for one list: caps, diversity and boosts decide which rows come, and in which order.

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
from service.arranging.boosts import active_boosts, boosts_of
from service.arranging.cap_counts import CapCounts, rows_to_spare
from service.arranging.given_recordings import GivenRecordings
from service.arranging.mmr import MmrPool
from service.arranging.row_features import RowFeatures
from service.arranging.short_reason import NO_LONGER
from service.ranking.contract import Candidates, Ranking

_DEEPER = 4
# Where rows are moved: each list starts out from so many, twice as many once half of them are shown, and so on.
FIRST_POOL, _POOL_GROWTH = 64, 2


_NONE: frozenset[int] = frozenset()


class ShownBefore(Struct, frozen=True):
    """What was shown of a list before this page, in its order, and how deep its pool was then (0: no pool yet)."""

    rows: tuple[int, ...] = ()
    pool_depth: int = 0


class ArrangedRows(Struct, frozen=True):
    """The next rows of a list with their scores, boosts included; fewer than asked for only when there are no more.

    `removed` says how many rows of the ranking each arrangement rule kept out, as far as it was read.
    """

    rows: list[int]
    scores: list[float]
    pool_depth: int
    candidates: Candidates
    removed: dict[str, int]


class Arranger:
    """Arranges rankings of one release."""

    def __init__(self, rows: CurrentRows, features: RowFeatures) -> None:
        self._rows = rows
        self._features = features

    async def arrange(
        self,
        ranking: Ranking,
        arrangement: Arrangement,
        *,
        shown_before: ShownBefore,
        limit: int,
        using: str,
        at_s: int,
        still_passes: Callable[[int], bool] | None = None,
        given: GivenRecordings | None = None,
    ) -> ArrangedRows:
        """The `limit` rows after those shown; `using` is the space in which diversity is measured, `given` count as
        shown where one recording comes once.

        `still_passes` is asked of every row beside the ranking's own re-check. Raises StoreError when the engine fails.
        """
        gone = self._with_successors(shown_before.rows) if shown_before.rows else _NONE
        if arrangement.diversity or active_boosts(arrangement):
            return await self._reordered(
                ranking, arrangement, shown_before, limit, using, at_s, gone, still_passes, given
            )
        return await self._filtered(ranking, arrangement, shown_before, limit, gone, still_passes, given)

    async def _filtered(
        self,
        ranking: Ranking,
        arrangement: Arrangement,
        shown_before: ShownBefore,
        limit: int,
        gone: frozenset[int],
        still_passes: Callable[[int], bool] | None,
        given: GivenRecordings | None,
    ) -> ArrangedRows:
        depth = len(shown_before.rows) + limit + rows_to_spare(arrangement, limit, given)
        while True:
            found = await ranking.first(depth)
            fresh, fresh_scores = found.rows, found.scores
            if gone:
                is_fresh = [row not in gone for row in fresh]
                fresh, fresh_scores = list(compress(fresh, is_fresh)), list(compress(fresh_scores, is_fresh))
            counts = CapCounts(arrangement, self._features, given)
            page = fresh[:limit]
            if still_passes is None and len(page) == limit and counts.surely_hold((*shown_before.rows, *page)):
                return ArrangedRows(page, fresh_scores[:limit], 0, found, {})
            counts.count(shown_before.rows)
            rows: list[int] = []
            scores: list[float] = []
            removed: dict[str, int] = {}
            take = counts.take
            for row, score in zip(fresh, fresh_scores, strict=True):
                broken = NO_LONGER if still_passes is not None and not still_passes(row) else take(row)
                if broken is not None:
                    removed[broken] = removed.get(broken, 0) + 1
                    continue
                rows.append(row)
                scores.append(score)
                if len(rows) == limit:
                    break
            if len(rows) == limit or found.exhausted:
                return ArrangedRows(rows, scores, 0, found, removed)
            depth *= _DEEPER

    async def _reordered(
        self,
        ranking: Ranking,
        arrangement: Arrangement,
        shown_before: ShownBefore,
        limit: int,
        using: str,
        at_s: int,
        gone: frozenset[int],
        still_passes: Callable[[int], bool] | None,
        given: GivenRecordings | None,
    ) -> ArrangedRows:
        rows: list[int] = []
        scores: list[float] = []
        depth = shown_before.pool_depth or FIRST_POOL
        while True:
            found = await ranking.first(depth)
            # What this page had before the search may have been hidden meanwhile.
            dropped = self._rows.dropped
            kept = [place for place, row in enumerate(rows) if not dropped[row]]
            rows, scores = [rows[place] for place in kept], [scores[place] for place in kept]
            counts = CapCounts(arrangement, self._features, given)
            counts.count((*shown_before.rows, *rows))
            pool = MmrPool(found.rows, self._relevance(found, arrangement, at_s), arrangement.diversity, counts)
            if arrangement.diversity:
                pool.measure(lambda wanted: self._rows.vectors(using, wanted), (*shown_before.rows, *rows))
            pool.leave_out(gone.union(rows), still_passes)
            while len(rows) < limit and (found.exhausted or len(shown_before.rows) + len(rows) < depth // _POOL_GROWTH):
                best = pool.next()
                if best is None:
                    break
                rows.append(best[0])
                scores.append(best[1])
            if len(rows) == limit or found.exhausted:
                return ArrangedRows(rows, scores, depth, found, pool.removed)
            depth *= _POOL_GROWTH

    def _relevance(self, found: Candidates, arrangement: Arrangement, at_s: int) -> NDArray[np.float64]:
        rows = np.array(found.rows, dtype=np.int64)
        relevance = np.array(found.scores, dtype=np.float64)
        for added in boosts_of(rows, self._features, arrangement, at_s).values():
            relevance += added
        return relevance

    def _with_successors(self, shown: Sequence[int]) -> frozenset[int]:
        """Rows that were shown, and those that stand for the same items now, as the journal has put them anew."""
        rows = self._rows
        gone = set(shown)
        if rows.any_dropped:
            gone.update(rows.row_of(rows.id_of(row)) for row in shown if rows.dropped[row])
        return frozenset(gone)
