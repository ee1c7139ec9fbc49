"""Which plan answers a request: the one measured for its shape, else that of the nearest shape, else the columns."""

from collections import Counter
from collections.abc import Iterable

from embedding.registry import Registry
from indexing.rules.compiled import CompiledContext
from indexing.search.measured import Shape, ShapeReport, band_of, shape_of
from indexing.search.plan import Plan
from indexing.search.plans.columns import COLUMNS
from indexing.search.plans.registry import PLANS, plan_of


class PlanTable:
    """The measured plans, asked by each search; `unmeasured` counts the searches of shapes that never were.

    Raises UsageError where one was chosen that is not among `plans`.
    """

    def __init__(
        self, reports: Iterable[ShapeReport], *, outdated: bool = False, plans: Registry[Plan] = PLANS
    ) -> None:
        self._plans = {report.shape: plan_of(report.chosen.plan, plans) for report in reports}
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

    def _choose(self, shape: Shape) -> tuple[Plan, Shape | None]:
        if shape in self._plans:
            return self._plans[shape], shape if self._outdated else None
        wider = [
            other
            for other in self._plans
            if (other.using, other.band) == (shape.using, shape.band) and set(other.fields) > set(shape.fields)
        ]
        nearest = min(wider, key=lambda other: (len(other.fields), other.fields), default=None)
        return (COLUMNS if nearest is None else self._plans[nearest]), shape
