"""How the rows of one release nearest to a vector are found under compiled rules: by the plan that was measured."""

from collections import OrderedDict
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from indexing.release.passages import PASSAGES, Passages, passages_collection
from indexing.release.release import Release
from indexing.rules.compiled import CompiledContext
from indexing.search.column_scan import ColumnScan, Wanted
from indexing.search.plans import COLUMNS, NARROW, PlanTable, plan_name
from indexing.search.plans_file import plan_table
from indexing.search.shared_scan import SharedScan
from indexing.stores.contract import Ranked, VectorStore
from indexing.words.document import BM25
from indexing.words.sparse import Sparse

# As many contexts as the rules keep compiled.
_NUM_KEPT = 256
# Passages that are looked for at once for each row that is wanted, and how many more when that was too few: what is
# nearest to a query often has several near ones.
_PASSAGES_A_ROW, _WIDEN = 4, 4
# Answers to words that are kept, and rows that one may have: 16 MB. A search that was widened may find every row.
_NUM_MATCHED, _ROWS_MATCHED = 1_024, 256


class Nearest(Struct, frozen=True):
    """Rows and their scores, best first; `exact` when nothing nearer that passes can have been missed.

    `thinned` when the rows that it was wanted without are not among them.
    """

    rows: list[int]
    scores: list[float]
    exact: bool
    thinned: bool = False


class Finder:
    """Finds rows of one release, from the engine or from the columns."""

    def __init__(
        self,
        store: VectorStore,
        collection: str,
        scan: ColumnScan,
        plans: PlanTable,
        passages: "PassageFinder | None" = None,
    ) -> None:
        self._store = store
        self._collection = collection
        self._scan = scan
        self._shared_scan = SharedScan(scan)
        self._plans = plans
        self._passages = passages
        # By identity, as in the scan. What the engine holds of a release never changes.
        self._matched: OrderedDict[tuple[int, int, int], tuple[Sparse, CompiledContext, Nearest]] = OrderedDict()

    @classmethod
    def of_release(cls, store: VectorStore, release: Release, rules_version: str) -> "Finder":
        """By the plans that the doctor left beside the release for these rules."""
        plans = plan_table(release.folder.parent.parent, release.id, rules_version)
        scan = ColumnScan(release.columns, release.fields)
        passages = None if release.passages is None else PassageFinder(store, release, release.passages, plans)
        return cls(store, release.id, scan, plans, passages)

    @property
    def unmeasured_shapes(self) -> int:
        """How many shapes were asked for that the doctor never measured under these rules."""
        return len(self._plans.unmeasured)

    def plan_name(self, compiled: CompiledContext, using: str) -> str:
        """The plan for the shape of a request, as it is shown."""
        return plan_name(self._plans.plan_for(compiled, using))

    def passing_rows(self, compiled: CompiledContext) -> NDArray[np.int64]:
        """The rows, ascending, that pass `compiled.filter` as far as facts tell (ColumnScan.passing_rows)."""
        return self._scan.passing_rows(compiled)

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
        plan = COLUMNS if exact else self._plans.plan_for(compiled, using)
        if isinstance(plan, str):
            wanted = Wanted(vector, using, compiled, limit, without, narrowly=plan == NARROW)
            found = await self._shared_scan.nearest(wanted)
            return Nearest(found.rows, found.scores, self._scan.misses_nothing(wanted), without is not None)
        ranked = await self._store.nearest(
            self._collection, vector, using=using, where=compiled.prepared, limit=limit, plan=plan
        )
        return Nearest(ranked.rows, ranked.scores, plan.exact)

    async def matching(self, words: Sparse, *, compiled: CompiledContext, limit: int) -> Nearest:
        """The `limit` rows that share words with a query, by their score for it, that pass `compiled.filter`.

        The same words asked again cost no search, where the answer was short; no one may change it.
        """
        if not len(words):
            return Nearest([], [], True)
        key = id(words), id(compiled), limit
        kept = self._matched.get(key)
        if kept is not None:
            self._matched.move_to_end(key)
            return kept[2]
        found = await self._store.matching(self._collection, words, using=BM25, where=compiled.prepared, limit=limit)
        answer = Nearest(found.rows, found.scores, True)
        if len(answer.rows) <= _ROWS_MATCHED:
            self._matched[key] = words, compiled, answer
            if len(self._matched) > _NUM_MATCHED:
                self._matched.popitem(last=False)
        return answer


class PassageFinder:
    """Finds rows of one release by their passages, which are a collection of their own under the same rules."""

    def __init__(self, store: VectorStore, release: Release, passages: Passages, plans: PlanTable) -> None:
        self._store, self._plans, self._passages = store, plans, passages
        self._collection = passages_collection(release.id)
        self._scan = ColumnScan(passages, passages.fields(release.fields))
        self._shared_scan = SharedScan(self._scan)
        # By identity, as in the scan; with the share of the passages that passes, which is not that of the rows.
        self._shared: OrderedDict[int, tuple[CompiledContext, CompiledContext]] = OrderedDict()

    async def nearest(
        self, vector: NDArray[np.float32], *, compiled: CompiledContext, limit: int, exact: bool
    ) -> Nearest:
        """As `Finder.nearest`."""
        of_passages = self._of_passages(compiled)
        if not of_passages.share:
            return Nearest([], [], True)
        plan = COLUMNS if exact else self._plans.plan_for(of_passages, PASSAGES)
        fetch = min(_PASSAGES_A_ROW * limit, len(self._passages))
        while True:
            if isinstance(plan, str):
                wanted = Wanted(vector, PASSAGES, compiled, fetch, narrowly=plan == NARROW)
                ranked = await self._shared_scan.nearest(wanted)
                is_exact = self._scan.misses_nothing(wanted)
            else:
                is_exact = plan.exact
                ranked = await self._store.nearest(
                    self._collection, vector, using=PASSAGES, where=compiled.prepared, limit=fetch, plan=plan
                )
            best = self._best(ranked)
            if len(best) >= limit or len(ranked.rows) < fetch or fetch == len(self._passages):
                rows = list(best)[:limit]
                return Nearest(rows, [best[row] for row in rows], is_exact)
            fetch = min(_WIDEN * fetch, len(self._passages))

    def _best(self, ranked: Ranked) -> dict[int, float]:
        """The rows of passages that were found, in their order, each with the score of its best."""
        best: dict[int, float] = {}
        for row, score in zip(self._passages.rows[ranked.rows].tolist(), ranked.scores, strict=True):
            best.setdefault(row, score)
        return best

    def _of_passages(self, compiled: CompiledContext) -> CompiledContext:
        kept = self._shared.get(id(compiled))
        if kept is None:
            share = len(self._scan.passing_rows(compiled)) / len(self._passages)
            kept = self._shared[id(compiled)] = compiled, replace(compiled, share=share)
            if len(self._shared) > _NUM_KEPT:
                self._shared.popitem(last=False)
        else:
            self._shared.move_to_end(id(compiled))
        return kept[1]
