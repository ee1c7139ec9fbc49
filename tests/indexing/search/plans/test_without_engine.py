"""While the engine is away the columns answer the same, if that is done in time, and what needs no engine asks none."""

import asyncio
from contextvars import copy_context
from typing import Any

import pytest

from indexing.errors import EngineAwayError
from indexing.rules.compiled import CompiledContext
from indexing.rules.context import RequestContext
from indexing.search.finder import Finder
from indexing.search.measured import Measured, Shape, ShapeReport, shape_of
from indexing.search.plan import Nearest, Plan
from indexing.search.plan_table import PlanTable
from indexing.search.plans.columns import COLUMNS
from indexing.search.plans.engine import engine_plan
from indexing.search.plans.principal_components import PRINCIPAL_COMPONENTS
from indexing.stores.answer_budget import AnswerBudget
from indexing.stores.contract import SearchParams
from tests.indexing.scanned import ANYBODY
from tests.indexing.search.plans.world import BLOCKING, ID, SPACE, SWEDES, PlansWorld

GRAPH = engine_plan(SearchParams(ef=64))


class AwayStore:
    """Nothing answers, whatever it is asked."""

    def __init__(self) -> None:
        self.num_asked = 0

    async def nearest(self, *_: Any, **__: Any) -> Any:
        self.num_asked += 1
        raise EngineAwayError("could not search: UNAVAILABLE")

    matching = nearest


def measured(plan: Plan, p99_ms: float, recall: float = 1.0) -> Measured:
    return Measured(plan=plan.stored, recall=recall, p50_ms=p99_ms / 2, p99_ms=p99_ms, short_pages=0, queries=9)


def report(shape: Shape, chosen: Measured, *tried: Measured) -> ShapeReport:
    return ShapeReport(shape=shape, share=1.0, chosen=chosen, tried=(chosen, *tried))


SHAPE = Shape(using=SPACE, fields=("kind",), band=50.0)
IN_SHAPE = CompiledContext(
    filter=None,  # type: ignore[arg-type]  # no table looks at it
    accepts=lambda _: True,
    prepared=None,
    share=0.4,
    fields=frozenset({"kind"}),
)


@pytest.mark.parametrize(
    ("tried", "expected", "takes_s"),
    [
        ([measured(COLUMNS, 30.0)], COLUMNS, 0.03),
        ([measured(COLUMNS, 30.0), measured(PRINCIPAL_COMPONENTS, 9.0, 0.995)], PRINCIPAL_COMPONENTS, 0.009),
        # It finds too little, whatever it costs.
        ([measured(COLUMNS, 30.0), measured(PRINCIPAL_COMPONENTS, 9.0, 0.98)], COLUMNS, 0.03),
        # It asks the engine, too.
        ([measured(COLUMNS, 30.0), measured(engine_plan(SearchParams(exact=True)), 2.0)], COLUMNS, 0.03),
        ([], COLUMNS, 0.0),
    ],
)
def test_the_fastest_measured_plan_over_the_columns_stands_in(
    tried: list[Measured], expected: Plan, takes_s: float
) -> None:
    table = PlanTable([report(SHAPE, measured(GRAPH, 1.0, 0.99), *tried)])
    found = table.stand_in_for(IN_SHAPE, SPACE)
    assert found.plan is expected
    assert found.takes_s == pytest.approx(takes_s)
    # What was never measured takes what it takes without an engine that is away.
    unmeasured = table.stand_in_for(IN_SHAPE, "tower")
    assert (unmeasured.plan, unmeasured.takes_s) == (COLUMNS, 0.0)


class Asked:
    """A finder over the world's columns whose engine is away, and what it gives for a row's own vector."""

    def __init__(self, world: PlansWorld, runner: asyncio.Runner, context: RequestContext, scan_ms: float) -> None:
        self.world, self.runner, self.context, self.store = world, runner, context, AwayStore()
        self.compiled = world.compiled(context)
        plans = PlanTable([report(shape_of(self.compiled, SPACE), measured(GRAPH, 1.0), measured(COLUMNS, scan_ms))])
        self.finder = Finder(self.store, ID, world.catalogue.scan, plans)  # type: ignore[arg-type]

    def nearest(self, row: int, *, exact: bool = False) -> Nearest:
        vector = self.world.vectors[row]
        # The runner's own context was made before any budget was opened.
        return self.runner.run(
            self.finder.nearest(vector, using=SPACE, compiled=self.compiled, limit=10, exact=exact),
            context=copy_context(),
        )


@pytest.mark.parametrize("context", [ANYBODY, SWEDES, BLOCKING], ids=["anybody", "swedes", "blocking"])
def test_the_columns_answer_and_it_is_said(world: PlansWorld, runner: asyncio.Runner, context: RequestContext) -> None:
    asked = Asked(world, runner, context, scan_ms=5.0)
    with AnswerBudget(2.0) as budget:
        assert asked.finder.plan_name(asked.compiled, SPACE) == "graph ef 64"
        found = asked.nearest(7)
        assert asked.finder.plan_name(asked.compiled, SPACE) == "columns"
    assert found.exact
    assert found.rows == world.best(world.vectors[7], context, 10)
    assert budget.lacking == ("engine",)
    assert asked.store.num_asked == 1


def test_a_scan_that_would_be_late_is_refused_with_both_times(world: PlansWorld, runner: asyncio.Runner) -> None:
    asked = Asked(world, runner, ANYBODY, scan_ms=700.0)
    with AnswerBudget(0.5) as budget, pytest.raises(EngineAwayError, match=r"scanned for 0\.7 s, .* is due in 0\.5 s"):
        asked.nearest(7)
    assert budget.lacking == ()


def test_a_command_is_told_that_the_engine_is_away(world: PlansWorld, runner: asyncio.Runner) -> None:
    asked = Asked(world, runner, ANYBODY, scan_ms=5.0)
    with pytest.raises(EngineAwayError, match="UNAVAILABLE"):
        asked.nearest(7)


def test_what_needs_no_engine_never_asks_it(world: PlansWorld, runner: asyncio.Runner) -> None:
    store, compiled = AwayStore(), world.compiled(SWEDES)
    for plan in (COLUMNS, PRINCIPAL_COMPONENTS):
        plans = PlanTable([report(shape_of(compiled, SPACE), measured(plan, 1.0))])
        finder = Finder(store, ID, world.catalogue.scan, plans)  # type: ignore[arg-type]
        with AnswerBudget(2.0) as budget:
            search = finder.nearest(world.vectors[3], using=SPACE, compiled=compiled, limit=10)
            found = runner.run(search, context=copy_context())
        assert found.rows[0] == world.best(world.vectors[3], SWEDES, 1)[0]
        assert budget.lacking == ()
    asked = Asked(world, runner, SWEDES, scan_ms=5.0)
    asked.nearest(3, exact=True)
    assert store.num_asked == asked.store.num_asked == 0
