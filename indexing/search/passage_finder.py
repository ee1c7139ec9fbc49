"""How the rows of one release nearest to a vector are found by the passages of their long texts."""

from functools import lru_cache

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from indexing.release.passages import PASSAGES, Passages, passages_collection
from indexing.release.release import Release
from indexing.rules.compiled import CompiledContext
from indexing.search.column_scan import ColumnScan, NearestQuery
from indexing.search.plan import Collection, Nearest
from indexing.search.plan_table import PlanTable
from indexing.search.planned_search import PlannedSearch
from indexing.search.shared_scan import SharedScan
from indexing.stores.contract import VectorStore

# As many contexts as the rules keep compiled.
_NUM_KEPT = 256
# Passages that are looked for at once for each row that is wanted, and how many more when that was too few: what is
# nearest to a query often has several near ones.
_PASSAGES_A_ROW, _WIDEN = 4, 4


class PassageFinder:
    """Finds rows of one release by their passages, which are a collection of their own under the same rules."""

    def __init__(self, store: VectorStore, release: Release, passages: Passages, plans: PlanTable) -> None:
        self._passages = passages
        scan = ColumnScan(passages, passages.fields(release.fields))
        collection = Collection(passages_collection(release.id), store, scan, SharedScan(scan).nearest)
        self._search = PlannedSearch(collection, plans)
        self._of_passages = lru_cache(_NUM_KEPT)(self._context_of_passages)

    async def nearest(
        self, vector: NDArray[np.float32], *, compiled: CompiledContext, limit: int, exact: bool
    ) -> Nearest:
        """As `Finder.nearest`: each row once, by the best of its passages."""
        of_passages = self._of_passages(compiled)
        if not of_passages.share:
            return Nearest([], [], True)
        num_passages = len(self._passages)
        fetch = min(_PASSAGES_A_ROW * limit, num_passages)
        while True:
            query = NearestQuery(vector, PASSAGES, compiled, fetch)
            found = await self._search.nearest(query, of_passages, exact=exact)
            best = self._best(found)
            if len(best) >= limit or len(found.rows) < fetch or fetch == num_passages:
                rows = list(best)[:limit]
                return Nearest(rows, [best[row] for row in rows], found.exact, found.plan)
            fetch = min(_WIDEN * fetch, num_passages)

    def _best(self, found: Nearest) -> dict[int, float]:
        """The rows of passages that were found, in their order, each with the score of its best."""
        best: dict[int, float] = {}
        for row, score in zip(self._passages.rows[found.rows].tolist(), found.scores, strict=True):
            best.setdefault(row, score)
        return best

    def _context_of_passages(self, compiled: CompiledContext) -> CompiledContext:
        """With the share of the passages that passes, which is not that of the rows."""
        return replace(compiled, share=self._search.collection.scan.num_passing(compiled) / len(self._passages))
