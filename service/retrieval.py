"""How every query route finds its rows: a ranking under the rules, of which a page is cut."""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from indexing.context import RequestContext
from indexing.finder import Finder
from indexing.stores.contract import VectorStore
from service.by_order import Shelves
from service.chained import Chained
from service.excluded import Excluded
from service.nearest import Nearest, Neighbours
from service.ranking import Candidates, Ranking
from service.recheck import Recheck
from service.served import ServedRelease
from service.short_reason import short_reason


class Page(Struct, frozen=True):
    """Rows and their scores, best first, with the sources of those that have one (Candidates); `short_reason` where
    there are fewer than were asked for."""

    rows: list[int]
    scores: list[float]
    sources: Mapping[int, str]
    short_reason: str | None = None


class Retriever:
    """Answers from one release: makes rankings and cuts pages out of them."""

    def __init__(self, store: VectorStore, served: ServedRelease) -> None:
        self._finder = Finder.of_release(store, served.release, served.rules.version)
        self._rules = served.rules
        self._num_points = served.rows.num_own
        self.recheck = Recheck(served)
        self.neighbours = Neighbours(self._finder, served.rules, served.rows, self.recheck)
        self._shelves = Shelves(served, self.recheck)
        self._rows = served.rows

    @property
    def unmeasured_shapes(self) -> int:
        """How many shapes of requests came that the doctor never measured."""
        return self._finder.unmeasured_shapes

    def nearest(
        self, vector: NDArray[np.float32], *, using: str, context: RequestContext, excluded: Excluded
    ) -> Nearest:
        """The ranking by nearness to the unit vector (dims,) in the space `using`."""
        return Nearest(self.neighbours, vector, using=using, context=context, excluded=excluded)

    def fallback(self, context: RequestContext, excluded: Excluded) -> Chained:
        """What is popular among all that the rules let pass in a context, then what is fresh: down to the last item."""
        shelves = self._shelves
        stages = [("popular", shelves.popular(context, excluded)), ("fresh", shelves.fresh(context, excluded))]
        return Chained(self._rows, stages)

    async def page(self, ranking: Ranking, context: RequestContext, limit: int) -> Page:
        """The first `limit` rows of a ranking made for `context`. Raises StoreError when the engine fails."""
        found = await ranking.first(limit)
        if len(found.rows) == limit:
            return Page(found.rows, found.scores, found.sources)
        return Page(found.rows, found.scores, found.sources, self._why_short(context, found))

    def _why_short(self, context: RequestContext, found: Candidates) -> str:
        shares = self._rules.kept_out(context)
        return short_reason(
            context,
            passing=len(found.rows) + found.num_excluded,
            dropped=found.num_excluded,
            kept_out={rule: round(share * self._num_points) for rule, share in shares.items()},
        )
