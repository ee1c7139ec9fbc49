"""How the points of one release nearest to a vector are found under compiled rules, and by which plan."""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from indexing.plans import plan_for
from indexing.rules.compiled import CompiledContext
from indexing.store import Plan, VectorStore

_EXACT = Plan(exact=True)


class Nearest(Struct, frozen=True):
    """Rows and their scores, best first; `exact` when nothing nearer that passes can have been missed."""

    rows: list[int]
    scores: list[float]
    exact: bool


class Finder:
    """Finds rows of one release."""

    def __init__(self, store: VectorStore, collection: str) -> None:
        self._store = store
        self._collection = collection

    async def nearest(
        self, vector: NDArray[np.float32], *, using: str, compiled: CompiledContext, limit: int, exact: bool = False
    ) -> Nearest:
        """The `limit` rows nearest to the unit vector (dims,) in the space `using` that pass `compiled.filter`.

        By the plan for the part that passes, or without fail when `exact`. Raises StoreError when the engine fails.
        """
        plan = _EXACT if exact else plan_for(compiled.share)
        ranked = await self._store.nearest(
            self._collection, vector, using=using, where=compiled.prepared, limit=limit, plan=plan
        )
        return Nearest(ranked.rows, ranked.scores, plan.exact)
