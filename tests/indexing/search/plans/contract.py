"""What every plan does: a suite to subclass with the name of a plan and the registry that has it."""

import asyncio
from typing import ClassVar

import numpy as np
import pytest
from msgspec import json

from embedding.registry import Registry
from indexing.doctor.contexts import ShapeContexts
from indexing.doctor.doctor import Doctor, Effort
from indexing.rules.context import RequestContext
from indexing.search.column_scan import NearestQuery
from indexing.search.finder import Finder
from indexing.search.measured import Measured, ShapeReport, shape_of
from indexing.search.plan import Nearest, Plan
from indexing.search.plan_table import PlanTable
from indexing.search.plans.registry import PLANS, plan_name, plan_of
from tests.indexing.scanned import ANYBODY
from tests.indexing.search.plans.world import BLOCKING, ID, NOTHING, NUM_ROWS, SPACE, SWEDES, PlansWorld

CONTEXTS = (ANYBODY, SWEDES, BLOCKING)


class PlanContract:
    """Subclass it as `Test…`, with the plan's name, and with its registry where that is not the product's."""

    registry: ClassVar[Registry[Plan]] = PLANS
    name: ClassVar[str]
    # Of the nearest ten, on vectors that are easy: what is enough in a release is for the doctor to say.
    least_recall: ClassVar[float] = 1.0

    @property
    def plan(self) -> Plan:
        return self.registry[self.name]

    @pytest.fixture(autouse=True)
    def _in_the_world(self, world: PlansWorld, runner: asyncio.Runner) -> None:
        self.world, self.runner = world, runner

    def nearest(self, row: int, context: RequestContext, limit: int, without: list[int] | None = None) -> Nearest:
        """What the plan finds for the vector of a row."""
        left_out = None if without is None else np.array(without)
        query = NearestQuery(self.world.vectors[row], SPACE, self.world.compiled(context), limit, left_out)
        return self.runner.run(self.plan.nearest(query, self.world.collection))

    def test_it_is_found_by_its_name_and_as_plans_files_have_it(self) -> None:
        measured = Measured(plan=self.plan.stored, recall=1.0, p50_ms=1.0, p99_ms=1.0, short_pages=0, queries=1)
        kept = json.decode(json.encode(measured), type=Measured)
        assert plan_of(kept.plan, self.registry) is self.plan
        assert plan_name(kept.plan) == self.plan.name == self.name

    @pytest.mark.parametrize("limit", [1, 10, 60])
    @pytest.mark.parametrize("context", CONTEXTS, ids=["anybody", "swedes", "blocking"])
    def test_it_finds_rows_that_pass_each_once_the_best_first(self, context: RequestContext, limit: int) -> None:
        accepts, payloads = self.world.compiled(context).accepts, self.world.catalogue.payloads
        num_found = num_wanted = 0
        for row in range(0, NUM_ROWS, 450):
            found = self.nearest(row, context, limit)
            assert len(found.rows) == len(found.scores) == len(set(found.rows)) == limit
            assert all(accepts(payloads[one]) for one in found.rows)
            assert found.scores == sorted(found.scores, reverse=True)
            scores = self.world.vectors @ self.world.vectors[row]
            np.testing.assert_allclose(found.scores, scores[found.rows], atol=1e-5)
            best = self.world.best(self.world.vectors[row], context, limit)
            if found.exact:
                np.testing.assert_allclose(found.scores, scores[best], atol=1e-5)
            num_found += len(set(best) & set(found.rows))
            num_wanted += limit
        assert num_found >= self.least_recall * num_wanted

    def test_the_same_query_has_the_same_answer_each_time(self) -> None:
        assert self.nearest(7, SWEDES, 10) == self.nearest(7, SWEDES, 10)

    @pytest.mark.parametrize("heard", [1, 40, 2_000])
    def test_it_says_whether_rows_were_left_out(self, heard: int) -> None:
        without = sorted(self.world.best(self.world.vectors[3], ANYBODY, heard))
        found = self.nearest(3, ANYBODY, 10, without)
        assert len(found.rows) == 10
        if found.thinned:
            assert not set(found.rows) & set(without)
        assert not self.nearest(3, ANYBODY, 10).thinned

    def test_where_fewer_rows_pass_there_are_fewer_hits(self) -> None:
        assert self.nearest(5, NOTHING, 10).rows == []
        num_swedes = len(self.world.best(self.world.vectors[5], SWEDES, NUM_ROWS))
        assert num_swedes == NUM_ROWS // 5
        assert len(self.nearest(5, SWEDES, NUM_ROWS).rows) == num_swedes

    def test_the_doctor_tries_it_and_requests_of_the_shape_go_by_it(self) -> None:
        world = self.world
        doctor = Doctor(world.examined, world.rules, world.store, {SPACE: world.vectors[:20]}, self.registry)
        compiled = world.compiled(ANYBODY)
        named = shape_of(compiled, SPACE)
        shape = ShapeContexts(fields=named.fields, band=named.band, shares=(compiled.share,), contexts=(ANYBODY,))
        report = self.runner.run(doctor.choose(shape, SPACE, Effort(queries=12, contexts=1, runs=1)))
        tried = {plan_name(one.plan): one for one in report.tried}
        # What comes after one of its family that was enough is not tried.
        first = next(plan for plan in self.registry if plan.family == self.plan.family)
        assert tried[first.name].queries == 12
        assert report.chosen.recall >= 0.99
        measured = Measured(plan=self.plan.stored, recall=1.0, p50_ms=1.0, p99_ms=1.0, short_pages=0, queries=1)
        reports = [ShapeReport(shape=named, share=1.0, chosen=measured, tried=(measured,))]
        finder = Finder(world.store, ID, world.catalogue.scan, PlanTable(reports, plans=self.registry))
        assert finder.plan_name(compiled, SPACE) == self.name
        found = self.runner.run(finder.nearest(world.vectors[9], using=SPACE, compiled=compiled, limit=10))
        assert found == self.nearest(9, ANYBODY, 10)
