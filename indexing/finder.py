"""How the rows of one release nearest to a vector are found under compiled rules: by the plan that was measured."""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from indexing.column_scan import ColumnScan
from indexing.plans import COLUMNS, PlanTable
from indexing.plans_file import plan_table
from indexing.release import Release
from indexing.rules.compiled import CompiledContext
from indexing.stores.contract import VectorStore


class Nearest(Struct, frozen=True):
    """Rows and their scores, best first; `exact` when nothing nearer that passes can have been missed."""

    rows: list[int]
    scores: list[float]
    exact: bool


class Finder:
    """Finds rows of one release, from the engine or from the columns."""

    def __init__(self, store: VectorStore, collection: str, scan: ColumnScan, plans: PlanTable) -> None:
        self._store = store
        self._collection = collection
        self._scan = scan
        self._plans = plans

    @classmethod
    def of_release(cls, store: VectorStore, release: Release, rules_version: str) -> "Finder":
        """By the plans that the doctor left beside the release for these rules."""
        data_dir = release.folder.parent.parent
        plans = plan_table(data_dir, release.id, rules_version)
        return cls(store, release.id, ColumnScan(release.columns, release.facts, release.creators), plans)

    @property
    def unmeasured_shapes(self) -> int:
        """How many shapes were asked for that the doctor never measured under these rules."""
        return len(self._plans.unmeasured)

    async def nearest(
        self, vector: NDArray[np.float32], *, using: str, compiled: CompiledContext, limit: int, exact: bool = False
    ) -> Nearest:
        """The `limit` rows nearest to the unit vector (dims,) in the space `using` that pass `compiled.filter`.

        By the plan for the shape of the request, or without fail when `exact`. Raises StoreError when the engine
        fails.
        """
        plan = COLUMNS if exact else self._plans.plan_for(compiled, using)
        if isinstance(plan, str):
            found = self._scan.nearest(vector, using=using, compiled=compiled, limit=limit)
            return Nearest(found.rows, found.scores, True)
        ranked = await self._store.nearest(
            self._collection, vector, using=using, where=compiled.prepared, limit=limit, plan=plan
        )
        return Nearest(ranked.rows, ranked.scores, plan.exact)
