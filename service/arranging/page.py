"""The page: so many rows of an arranged ranking, the cap that a row would break, why a page is short."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from indexing.rules.arrangement import Arrangement
from indexing.rules.context import RequestContext
from service.arranging.arranger import ArrangedRows, Arranger, ShownBefore
from service.arranging.cap_counts import CapCounts
from service.arranging.caps import CapName
from service.arranging.given_recordings import GivenRecordings
from service.arranging.row_features import RowFeatures
from service.arranging.short_reason import others_score_less, short_reason
from service.loaded.loaded_release import LoadedRelease
from service.ranking.contract import Ranking

_DEFAULT = Arrangement()
_FIRST = ShownBefore()


class Page(Struct, frozen=True):
    """Rows and their scores in the order to be shown, with the sources of those that have one (Candidates);
    `short_reason` where there are fewer than were asked for, and `cut` where that is as others score too little.
    `pool_depth` is what the next page goes on from."""

    rows: list[int]
    scores: list[float]
    sources: Mapping[int, str]
    pool_depth: int = 0
    short_reason: str | None = None
    cut: bool = False


class Pages:
    """Cuts pages out of rankings of one loaded release."""

    def __init__(self, loaded: LoadedRelease) -> None:
        self._rules = loaded.rules
        self._num_points = loaded.rows.num_own
        self._features = RowFeatures(loaded.rows)
        self._arranger = Arranger(loaded.rows, self._features)

    async def cut(
        self,
        ranking: Ranking,
        context: RequestContext,
        limit: int,
        *,
        using: str,
        arrangement: Arrangement = _DEFAULT,
        shown_before: ShownBefore = _FIRST,
        still_passes: Callable[[int], bool] | None = None,
        given: GivenRecordings | None = None,
    ) -> Page:
        """The `limit` rows after those shown before, of a ranking made for `context` in the space `using`; `given`
        count as shown where one recording comes once.

        `still_passes` is asked of every row beside the ranking's own re-check. Raises StoreError when the engine fails.
        """
        arranged = await self._arranger.arrange(
            ranking,
            arrangement,
            shown_before=shown_before,
            limit=limit,
            using=using,
            at_s=context.at_s,
            still_passes=still_passes,
            given=given,
        )
        reason = self._why_short(context, shown_before, arranged) if len(arranged.rows) < limit else None
        found = arranged.candidates
        return Page(arranged.rows, arranged.scores, found.sources, arranged.pool_depth, reason, found.cut)

    def given(self, rows: Sequence[int], heard: NDArray[np.int32]) -> GivenRecordings:
        """The recordings of the rows that a query was asked with, and of those `heard` (GivenRecordings)."""
        return GivenRecordings(self._features, rows, heard)

    def broken_cap(
        self, arrangement: Arrangement, listed: Sequence[int], row: int, given: GivenRecordings
    ) -> CapName | None:
        """Which cap a row would break after those `listed`, if any."""
        counts = CapCounts(arrangement, self._features, given)
        counts.count(listed)
        return counts.take(row)

    def _why_short(self, context: RequestContext, shown_before: ShownBefore, arranged: ArrangedRows) -> str:
        found = arranged.candidates
        if found.cut:
            return others_score_less(len(found.rows), {"arrangement": arranged.removed, "page": len(shown_before.rows)})
        shares = self._rules.kept_out(context)
        return short_reason(
            context,
            passing=len(found.rows) + found.num_excluded,
            kept_out={rule: round(share * self._num_points) for rule, share in shares.items()},
            removed={
                "exclusions": found.num_excluded,
                "arrangement": arranged.removed,
                "page": len(shown_before.rows),
            },
        )
