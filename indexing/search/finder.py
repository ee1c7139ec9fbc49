"""How the rows of a release that are nearest to a vector, or share words with a query, are found under the rules."""

from typing import Any

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from indexing.errors import EngineAwayError
from indexing.release.engine_keys import NOT_IN_ENGINE
from indexing.release.passages import PASSAGES
from indexing.release.release import Release
from indexing.rules.compiled import CompiledContext
from indexing.search.column_scan import ColumnScan, NearestQuery
from indexing.search.passage_finder import PassageFinder
from indexing.search.plan import Collection, Nearest
from indexing.search.plan_table import PlanTable
from indexing.search.planned_search import PlannedSearch
from indexing.search.plans_file import plan_table
from indexing.search.shared_scan import SharedScan
from indexing.search.without_engine import go_without_engine
from indexing.search.word_scan import WordScan
from indexing.stores.contract import Ranked, VectorStore
from indexing.words.bm25 import BM25
from indexing.words.sparse import Sparse

# Answers to words that are kept, and rows that one may have: 16 MB. A search that was widened may find every row.
_NUM_MATCHED, _ROWS_MATCHED = 1_024, 256


class Finder:
    """Finds rows of one release, from the engine or from the columns; while the engine is away from these alone, as far
    as an answer that is being made has the time."""

    def __init__(
        self,
        store: VectorStore,
        collection: str,
        scan: ColumnScan,
        plans: PlanTable,
        passages: PassageFinder | None = None,
        words: WordScan | None = None,
    ) -> None:
        """`passages` and `words`: of a release that has them."""
        self._search = PlannedSearch(Collection(collection, store, scan, SharedScan(scan).nearest), plans)
        self._plans = plans
        self._passages, self._words = passages, words
        # What the engine holds of a release never changes.
        self._matched: LRUCache[tuple[Sparse, CompiledContext, int], Nearest] = LRUCache(_NUM_MATCHED)

    @classmethod
    def of_release(cls, store: VectorStore, release: Release, rules_version: str) -> "Finder":
        """By the plans that the doctor left beside the release for these rules."""
        plans = plan_table(release.folder.parent.parent, release.id, rules_version)
        scan = ColumnScan(release.columns, release.fields)
        passages = None if release.passages is None else PassageFinder(store, release, release.passages, plans)
        return cls(store, release.id, scan, plans, passages, WordScan(release.columns.words.rows, scan))

    @property
    def unmeasured_shapes(self) -> int:
        """How many shapes were asked for that the doctor never measured under these rules."""
        return len(self._plans.unmeasured)

    def plan_name(self, compiled: CompiledContext, using: str) -> str:
        """The plan for the shape of a request, as it is shown."""
        return self._search.plan_name(compiled, using)

    def passing_rows(self, compiled: CompiledContext) -> NDArray[np.int64]:
        """The rows, ascending, that pass `compiled.filter` but for the blocklists (ColumnScan.passing_rows)."""
        return self._search.collection.scan.passing_rows(compiled)

    async def nearest(
        self,
        vector: NDArray[np.float32],
        *,
        using: str,
        compiled: CompiledContext,
        limit: int,
        exact: bool = False,
        without: NDArray[np.integer[Any]] | None = None,
    ) -> Nearest:
        """The `limit` rows nearest to the unit vector (dims,) in the space `using` that pass `compiled.filter`.

        In the space `PASSAGES` rows that have passages, each once and by its best one. By the plan for the shape of the
        request, or without fail when `exact`. Rows `without` which it is wanted (ascending) are left out where the
        columns are scanned; the engine would take longer for them. Raises StoreError when the engine fails.
        """
        if using == PASSAGES:
            if self._passages is None:
                return Nearest([], [], True)
            return await self._passages.nearest(vector, compiled=compiled, limit=limit, exact=exact)
        return await self._search.nearest(NearestQuery(vector, using, compiled, limit, without), compiled, exact=exact)

    async def matching(self, words: Sparse, *, compiled: CompiledContext, limit: int) -> Nearest:
        """The `limit` rows that share words with a query, by their score for it, that pass `compiled.filter`.

        The same words asked again cost no search, where the answer was short; no one may change it.
        """
        if not len(words):
            return Nearest([], [], True)
        key = words, compiled, limit
        kept = self._matched.get(key)
        if kept is not None:
            return kept
        found = await self._matching(words, compiled, limit)
        answer = Nearest(found.rows, found.scores, True)
        if len(answer.rows) <= _ROWS_MATCHED:
            self._matched[key] = answer
        return answer

    async def _matching(self, words: Sparse, compiled: CompiledContext, limit: int) -> Ranked:
        asked = self._search.collection
        if compiled.prepared is NOT_IN_ENGINE and self._words is not None:
            return self._words.matching(words, compiled=compiled, limit=limit)
        try:
            return await asked.store.matching(asked.id, words, using=BM25, where=compiled.prepared, limit=limit)
        except EngineAwayError as away:
            if self._words is None:
                raise
            go_without_engine(away, self._words.takes_s)
            return self._words.matching(words, compiled=compiled, limit=limit)
