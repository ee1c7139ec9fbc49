"""Which plan answers a request: the one measured for its shape, else that of the nearest shape, else the columns."""

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

from embedding.registry import Registry
from indexing.rules.compiled import CompiledContext
from indexing.search.measured import MIN_RECALL, Shape, ShapeReport, band_of, shape_of
from indexing.search.plan import Plan
from indexing.search.plans.columns import COLUMNS
from indexing.search.plans.registry import PLANS, plan_of


class StandIn(Struct, frozen=True):
    """A plan over the columns alone, and how long it takes as far as that was measured."""

    plan: Plan
    takes_s: float


class PlanTable:
    """The measured plans, asked by each search; `unmeasured` counts the searches of shapes that never were.

    Raises UsageError where one was chosen that is not among `plans`.
    """

    def __init__(
        self, reports: Iterable[ShapeReport], *, outdated: bool = False, plans: Registry[Plan] = PLANS
    ) -> None:
        reports = tuple(reports)
        self._plans = {report.shape: plan_of(report.chosen.plan, plans) for report in reports}
        self._stand_ins = {report.shape: _stand_in(report, plans) for report in reports}
        # Measured under other rules: the nearest there is, but not a measurement of what is asked now.
        self._outdated = outdated
        self._chosen: dict[tuple[str, frozenset[str], float], tuple[Plan, Shape | None]] = {}
        self.unmeasured: Counter[Shape] = Counter()

    def plan_for(self, compiled: CompiledContext, using: str) -> Plan:
        """The measured plan of the shape; or that of the nearest with more conditions in its band; or the columns."""
        key = (using, compiled.fields, band_of(compiled.share))
        found = self._chosen.get(key)
        if found is None:
            found = self._chosen[key] = self._choose(shape_of(compiled, using))
        plan, unmeasured = found
        if unmeasured is not None:
            self.unmeasured[unmeasured] += 1
        return plan

    def stand_in_for(self, compiled: CompiledContext, using: str) -> StandIn:
        """What answers the shape while the engine is away: the fastest measured plan that does not ask it and finds
        enough."""
        measured = self._measured_shape(shape_of(compiled, using))
        return StandIn(COLUMNS, 0.0) if measured is None else self._stand_ins[measured]

    def _choose(self, shape: Shape) -> tuple[Plan, Shape | None]:
        measured = self._measured_shape(shape)
        plan = COLUMNS if measured is None else self._plans[measured]
        return plan, shape if measured != shape or self._outdated else None

    def _measured_shape(self, shape: Shape) -> Shape | None:
        """The shape itself, or the nearest with more conditions in its band."""
        if shape in self._plans:
            return shape
        wider = [
            other
            for other in self._plans
            if (other.using, other.band) == (shape.using, shape.band) and set(other.fields) > set(shape.fields)
        ]
        return min(wider, key=lambda other: (len(other.fields), other.fields), default=None)


def _stand_in(report: ShapeReport, plans: Registry[Plan]) -> StandIn:
    enough = [
        StandIn(plan, one.p99_ms / 1_000)
        for one in (report.chosen, *report.tried)
        if not (plan := plan_of(one.plan, plans)).asks_engine and one.recall >= MIN_RECALL
    ]
    return min(enough, key=lambda one: one.takes_s, default=StandIn(COLUMNS, 0.0))
