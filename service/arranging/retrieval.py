"""How every query route finds its rows: a ranking under the rules, arranged, of which a page is cut."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from indexing.rules.arrangement import Arrangement
from indexing.rules.context import RequestContext
from indexing.search.finder import Finder
from indexing.stores.contract import VectorStore
from service.arranging.arranger import ArrangedRows, Arranger, ShownBefore
from service.arranging.caps import CapName, Caps
from service.arranging.row_features import RowFeatures
from service.arranging.short_reason import short_reason
from service.loaded.exclusions import Exclusions
from service.loaded.loaded_release import LoadedRelease
from service.loaded.recheck import Recheck
from service.ranking.contract import Ranking
from service.ranking.fallback_chain import FallbackChain
from service.ranking.nearest import Nearest, Neighbours
from service.ranking.popular_and_fresh import PopularAndFresh

_DEFAULT = Arrangement()
_FIRST = ShownBefore()


class Page(Struct, frozen=True):
    """Rows and their scores in the order to be shown, with the sources of those that have one (Candidates);
    `short_reason` where there are fewer than were asked for. `pool_depth` is what the next page goes on from."""

    rows: list[int]
    scores: list[float]
    sources: Mapping[int, str]
    pool_depth: int = 0
    short_reason: str | None = None


class Retriever:
    """Answers from one release: makes rankings and cuts pages out of them."""

    def __init__(self, store: VectorStore, served: LoadedRelease) -> None:
        self.finder = Finder.of_release(store, served.release, served.rules.version)
        self._rules = served.rules
        self._num_points = served.rows.num_own
        self.recheck = Recheck(served)
        self._traits = RowFeatures(served.rows)
        self._arranger = Arranger(served.rows, self._traits)
        self.neighbours = Neighbours(self.finder, served.rules, served.rows, self.recheck)
        self._shelves = PopularAndFresh(served, self.recheck)
        self._rows = served.rows

    @property
    def unmeasured_shapes(self) -> int:
        """How many shapes of requests came that the doctor never measured."""
        return self.finder.unmeasured_shapes

    def nearest(
        self, vector: NDArray[np.float32], *, using: str, context: RequestContext, excluded: Exclusions
    ) -> Nearest:
        """The ranking by nearness to the unit vector (dims,) in the space `using`."""
        return Nearest(self.neighbours, vector, using=using, context=context, excluded=excluded)

    def fallback(self, context: RequestContext, excluded: Exclusions) -> FallbackChain:
        """What is popular among all that the rules let pass in a context, then what is fresh: down to the last item."""
        shelves = self._shelves
        stages = [("popular", shelves.popular(context, excluded)), ("fresh", shelves.fresh(context, excluded))]
        return FallbackChain(self._rows, stages)

    def plan_name(self, context: RequestContext, using: str) -> str:
        """How a search in this context is made."""
        return self.finder.plan_name(self._rules.compile(context), using)

    def broken_limit(self, arrangement: Arrangement, listed: Sequence[int], row: int) -> CapName | None:
        """Which limit a row would break after those `listed`, if any."""
        limits = Caps(arrangement, self._traits)
        limits.count(listed)
        return limits.take(row)

    async def page(
        self,
        ranking: Ranking,
        context: RequestContext,
        limit: int,
        *,
        using: str,
        arrangement: Arrangement = _DEFAULT,
        begun: ShownBefore = _FIRST,
        still: Callable[[int], bool] | None = None,
    ) -> Page:
        """The `limit` rows that follow those `begun` with, of a ranking made for `context` in the space `using`.

        Raises StoreError when the engine fails.
        """
        arranged = await self._arranger.arrange(
            ranking, arrangement, begun=begun, limit=limit, using=using, at_s=context.at_s, still=still
        )
        reason = self._why_short(context, begun, arranged) if len(arranged.rows) < limit else None
        return Page(arranged.rows, arranged.scores, arranged.candidates.sources, arranged.pool_depth, reason)

    def _why_short(self, context: RequestContext, begun: ShownBefore, arranged: ArrangedRows) -> str:
        shares = self._rules.kept_out(context)
        found = arranged.candidates
        return short_reason(
            context,
            passing=len(found.rows) + found.num_excluded,
            excluded=found.num_excluded,
            shown=len(begun.shown),
            left_out=arranged.left_out,
            kept_out={rule: round(share * self._num_points) for rule, share in shares.items()},
        )
