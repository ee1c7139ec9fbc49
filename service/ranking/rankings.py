"""The rankings that a release can make for a context: what is nearest to a vector, and the fallback chain."""

import numpy as np
from numpy.typing import NDArray

from indexing.rules.context import RequestContext
from indexing.search.finder import Finder
from indexing.stores.contract import VectorStore
from service.loaded.exclusions import Exclusions
from service.loaded.loaded_release import LoadedRelease
from service.loaded.recheck import Recheck
from service.ranking.fallback_chain import FallbackChain
from service.ranking.nearest import Nearest, Neighbours
from service.ranking.popular_and_fresh import PopularAndFresh
from service.ranking.threshold import above


class Rankings:
    """Makes rankings of one loaded release's rows; every row that they give has passed `recheck`."""

    def __init__(self, store: VectorStore, loaded: LoadedRelease) -> None:
        self.finder = Finder.of_release(store, loaded.release, loaded.rules.version)
        self.recheck = Recheck(loaded)
        self.neighbours = Neighbours(self.finder, loaded.rules, loaded.rows, self.recheck)
        self._rules, self._rows = loaded.rules, loaded.rows
        self._presorted = PopularAndFresh(loaded, self.recheck)

    @property
    def unmeasured_shapes(self) -> int:
        """How many shapes of requests came that the doctor never measured."""
        return self.finder.unmeasured_shapes

    def nearest(
        self, vector: NDArray[np.float32], *, using: str, context: RequestContext, excluded: Exclusions
    ) -> Nearest:
        """The ranking by nearness to the unit vector (dims,) in the space `using`."""
        return Nearest(self.neighbours, vector, using=using, context=context, excluded=excluded)

    def fallback(self, context: RequestContext, excluded: Exclusions, threshold: float | None = None) -> FallbackChain:
        """What is popular among all that the rules let pass in a context, then what is fresh: down to the last item, or
        to the last that scores as much as the `threshold` among the popular or the fresh."""
        presorted = self._presorted
        popular, fresh = presorted.popular(context, excluded), presorted.fresh(context, excluded)
        links = [("popular", above(popular, threshold)), ("fresh", above(fresh, threshold))]
        return FallbackChain(self._rows, links)

    def plan_name(self, context: RequestContext, using: str) -> str:
        """The name of the plan by which a search in this context is made."""
        return self.finder.plan_name(self._rules.compile(context), using)
