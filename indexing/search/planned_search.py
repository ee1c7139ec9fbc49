"""The nearest rows of one collection by the plan of a request's shape; while the engine is away, by one without it."""

from collections.abc import Awaitable

from indexing.errors import EngineAwayError
from indexing.release.engine_keys import NOT_IN_ENGINE
from indexing.rules.compiled import CompiledContext
from indexing.search.column_scan import NearestQuery
from indexing.search.plan import Collection, Nearest, Plan
from indexing.search.plan_table import PlanTable
from indexing.search.plans.columns import COLUMNS
from indexing.search.without_engine import go_without_engine, is_without_engine


class PlannedSearch:
    """Searches one collection; `plans` say how."""

    def __init__(self, collection: Collection, plans: PlanTable) -> None:
        self.collection, self._plans = collection, plans

    def plan_name(self, shape: CompiledContext, using: str) -> str:
        """The plan for the shape of a request, or the one that took its place in the answer that is being made."""
        plan = self._plan(shape, using)
        if plan.asks_engine and is_without_engine():
            plan = self._plans.stand_in_for(shape, using).plan
        return plan.name

    def _plan(self, shape: CompiledContext, using: str) -> Plan:
        return COLUMNS if shape.prepared is NOT_IN_ENGINE else self._plans.plan_for(shape, using)

    def nearest(self, query: NearestQuery, shape: CompiledContext, *, exact: bool) -> Awaitable[Nearest]:
        """The answer by the plan for `shape` in the query's space, or without fail when `exact`.

        Raises StoreError when the engine fails; EngineAwayError where it is away and no scan is done in time.
        """
        plan = COLUMNS if exact else self._plan(shape, query.using)
        if not plan.asks_engine:
            return plan.nearest(query, self.collection)
        return self._asked(plan, query, shape)

    async def _asked(self, plan: Plan, query: NearestQuery, shape: CompiledContext) -> Nearest:
        try:
            return await plan.nearest(query, self.collection)
        except EngineAwayError as away:
            stand_in = self._plans.stand_in_for(shape, query.using)
            go_without_engine(away, stand_in.takes_s)
            return await stand_in.plan.nearest(query, self.collection)
