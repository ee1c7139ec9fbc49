"""The plans `graph`, `acorn` and `exact`: the engine searches, over its graph with some beam, or point by point."""

from collections.abc import Awaitable, Sequence
from functools import cache

from indexing.search.column_scan import NearestQuery
from indexing.search.engine_ties import in_order
from indexing.search.plan import Collection, Nearest
from indexing.search.plans.columns import COLUMNS
from indexing.stores.contract import Ranked, SearchParams

# A scan of no more takes 10 us besides the 40 that any takes, and no query of either engine less than 50 (docs/log.md):
# the engine is not asked. By bytes, as times would choose other plans on a busy machine.
_SMALL_BYTES = 256 << 10
# A beam of more is worth a try only where a scan is slow: it takes as long as one that is not.
_WIDEST_GRAPH, _WIDEST_ACORN = 512, 256


class EnginePlan:
    """A search of the engine by `params`; `engine_plan` makes one of each."""

    asks_engine = True

    def __init__(self, params: SearchParams) -> None:
        self.params = self.stored = params
        self.family = "exact" if params.exact else "acorn" if params.acorn else "graph"
        self.name = self.family if params.exact or params.ef is None else f"{self.family} ef {params.ef}"

    def worth_trying(self, queries: Sequence[NearestQuery], collection: Collection, *, scan_is_slow: bool) -> bool:
        """As Plan; the engine cannot win where few vectors pass."""
        most = max(collection.scan.num_passing(query.compiled) for query in queries)
        return most * queries[0].vector.nbytes > _SMALL_BYTES and (scan_is_slow or not self._is_wide)

    @property
    def _is_wide(self) -> bool:
        return (self.params.ef or 0) > (_WIDEST_ACORN if self.params.acorn else _WIDEST_GRAPH)

    async def nearest(self, query: NearestQuery, collection: Collection) -> Nearest:
        """As Plan; the engine would take longer to leave out rows, so that it leaves out none. The columns answer where
        so many rows have one score that the engine tells no order of them."""

        def ask(limit: int) -> Awaitable[Ranked]:
            return collection.store.nearest(
                collection.id,
                query.vector,
                using=query.using,
                where=query.compiled.prepared,
                limit=limit,
                params=self.params,
            )

        ranked = await in_order(ask, query, collection, finds_all=self.params.exact)
        if ranked is None:
            return await COLUMNS.nearest(query, collection)
        return Nearest(ranked.rows, ranked.scores, self.params.exact, self.name)


@cache
def engine_plan(params: SearchParams) -> EnginePlan:
    """The plan of these parameters, the same object each time."""
    return EnginePlan(params)


GRAPHS = tuple(engine_plan(SearchParams(ef=ef)) for ef in (64, 128, 256, 512, 1_024))
ACORNS = tuple(engine_plan(SearchParams(acorn=True, ef=ef)) for ef in (64, 128, 256, 512))
EXACT = engine_plan(SearchParams(exact=True))
