"""Which plan answers which shape of request, as it was measured, and what answers a shape that never was.

A shape is the set of fields that the rules have conditions on, the named vector, and the band of the share that
passes.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import replace

from indexing.rules.compiled import CompiledContext
from indexing.stores.contract import Plan

# Upper ends, per cent of the release. Plans change places within them (docs/log.md, filtered recall).
BANDS = (0.5, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
MIN_RECALL = 0.99
# An answer holds the event loop, so a plan that takes longer is named.
SLOW_MS = 5.0

# All rows that pass are scanned: in full, which finds everything, or by their principal components first.
ScanPlan = Literal["columns", "narrow"]
ShapePlan = Plan | ScanPlan
COLUMNS: Literal["columns"] = "columns"
NARROW: Literal["narrow"] = "narrow"


class Shape(Struct, frozen=True, kw_only=True):
    """What requests of one plan have in common; `fields` are sorted, `band` is the upper end in per cent."""

    using: str
    fields: tuple[str, ...]
    band: float


class Measured(Struct, frozen=True, kw_only=True):
    """How a plan did on the queries sampled for a shape. Recall is that of the worst of its contexts, ties found.

    Times are over the queries, of each the best of its runs: what the plan costs, not what the machine did meanwhile.
    """

    plan: ShapePlan
    recall: float = field(name="recall@10")
    p50_ms: float
    p99_ms: float
    short_pages: int
    queries: int
    # Whether it was asked all that it was to be asked, and found enough of it; files from before it was noted say yes.
    enough: bool = True


class ShapeReport(Struct, frozen=True, kw_only=True):
    """A measured shape: the least share among its contexts, what was chosen, and everything that was tried."""

    shape: Shape
    share: float
    chosen: Measured
    tried: tuple[Measured, ...]


class Plans(Struct, frozen=True, kw_only=True):
    """What the doctor found for one release under one version of the rules.

    `unmeasured` shapes had to wait; `leaks` are rows that the engine gave and the rules forbid.
    """

    release: str
    rules_version: str
    measured_at: str
    shapes: tuple[ShapeReport, ...]
    unmeasured: int
    leaks: int


def joined(found: Sequence[Plans]) -> Plans:
    """What was found for the collections of one release, its rows' first."""
    return replace(
        found[0],
        shapes=tuple(report for plans in found for report in plans.shapes),
        unmeasured=sum(plans.unmeasured for plans in found),
        leaks=sum(plans.leaks for plans in found),
    )


def band_of(share: float) -> float:
    """The band (upper end in per cent) of a share (0 to 1)."""
    return BANDS[min(bisect_left(BANDS, 100 * share), len(BANDS) - 1)]


def shape_of(compiled: CompiledContext, using: str) -> Shape:
    """The shape of a request under `compiled` in the space `using`."""
    return Shape(using=using, fields=tuple(sorted(compiled.fields)), band=band_of(compiled.share))


def plan_name(plan: ShapePlan) -> str:
    """A plan as it is shown."""
    if isinstance(plan, str):
        return plan
    if plan.exact:
        return "exact"
    return ("acorn" if plan.acorn else "graph") + ("" if plan.ef is None else f" ef {plan.ef}")


class PlanTable:
    """The measured plans, asked by each search; `unmeasured` counts the searches of shapes that never were."""

    def __init__(self, reports: Iterable[ShapeReport], *, outdated: bool = False) -> None:
        self._plans = {report.shape: report.chosen.plan for report in reports}
        # Measured under other rules: the nearest there is, but not a measurement of what is asked now.
        self._outdated = outdated
        self._chosen: dict[tuple[str, frozenset[str], float], tuple[ShapePlan, Shape | None]] = {}
        self.unmeasured: Counter[Shape] = Counter()

    def plan_for(self, compiled: CompiledContext, using: str) -> ShapePlan:
        """The measured plan of the shape; or that of the nearest with more conditions in its band; or the columns."""
        key = (using, compiled.fields, band_of(compiled.share))
        found = self._chosen.get(key)
        if found is None:
            found = self._chosen[key] = self._choose(shape_of(compiled, using))
        plan, unmeasured = found
        if unmeasured is not None:
            self.unmeasured[unmeasured] += 1
        return plan

    def _choose(self, shape: Shape) -> tuple[ShapePlan, Shape | None]:
        if shape in self._plans:
            return self._plans[shape], shape if self._outdated else None
        wider = [
            other
            for other in self._plans
            if (other.using, other.band) == (shape.using, shape.band) and set(other.fields) > set(shape.fields)
        ]
        nearest = min(wider, key=lambda other: (len(other.fields), other.fields), default=None)
        return (COLUMNS if nearest is None else self._plans[nearest]), shape
