"""What the doctor found for one release: for each shape of request, how every plan did that was tried."""

from bisect import bisect_left
from collections.abc import Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from indexing.rules.compiled import CompiledContext
from indexing.search.plan import StoredPlan

# Upper ends, per cent of the release. Plans change places within them (docs/log.md, filtered recall).
BANDS = (0.5, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
MIN_RECALL = 0.99
# An answer holds the event loop, so a plan that takes longer is named.
SLOW_MS = 5.0


class Shape(Struct, frozen=True, kw_only=True):
    """What requests of one plan have in common: the named vector, the fields that the rules have conditions on
    (sorted), and the band of the share that passes, by its upper end in per cent."""

    using: str
    fields: tuple[str, ...]
    band: float


class Measured(Struct, frozen=True, kw_only=True):
    """How a plan did on the queries sampled for a shape. Recall is that of the worst of its contexts, ties found.

    Times are over the queries, of each the best of its runs: what the plan costs, not what the machine did meanwhile.
    """

    plan: StoredPlan
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


class MeasuredPlans(Struct, frozen=True, kw_only=True):
    """What the doctor found for one release under one version of the rules.

    `unmeasured` shapes had to wait; `leaks` are rows that the engine gave and the rules forbid.
    """

    release: str
    rules_version: str
    measured_at: str
    shapes: tuple[ShapeReport, ...]
    unmeasured: int
    leaks: int


def joined(found: Sequence[MeasuredPlans]) -> MeasuredPlans:
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
