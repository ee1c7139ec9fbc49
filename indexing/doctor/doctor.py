"""The recall doctor: measures on a release's own vectors what each plan finds and costs, and chooses one a shape."""

import math
import time
from datetime import UTC, datetime

from msgspec import Struct

from embedding.progress import Reporter
from embedding.protocols import Vectors
from embedding.registry import Registry
from indexing.doctor.contexts import ShapeContexts, shapes_of
from indexing.doctor.examined import ExaminedCollection
from indexing.doctor.measuring import is_slow, measure
from indexing.doctor.sampled_queries import K, QuerySampler
from indexing.doctor.trial import Trial
from indexing.rules.compiled import FEW_CREATORS, HardRules
from indexing.rules.context import RequestContext
from indexing.search.column_scan import ColumnScan, NearestQuery
from indexing.search.measured import MeasuredPlans, Shape, ShapeReport
from indexing.search.plan import Collection, Plan
from indexing.search.plans.columns import COLUMNS
from indexing.search.plans.registry import PLANS
from indexing.stores.contract import Ranked, VectorStore

# A plan whose first queries take this many times as long as the best so far is not measured to the end.
_HOPELESS = 2.0
# A scan that is slow is timed by so few queries of each sort: it misses nothing, and takes as long each time.
_FEW = 8
# A plan takes the place of a better known one for a tenth of the time at least: less is what two runs differ by.
_CLEARLY = 0.9


class Effort(Struct, frozen=True, kw_only=True):
    """How much is measured: queries and contexts a shape, runs a query; `budget_s` ends it early, None never."""

    queries: int
    contexts: int
    runs: int
    budget_s: float | None = None


# 80 of each sort: a plan that finds .995 of them is told from .99 by more than a standard error.
THOROUGH = Effort(queries=240, contexts=3, runs=2)


class Doctor:
    """Measures one collection under one set of rules; `queries` (Q, dims) stand for each named vector's requests.

    The columns are always measured; of the other `plans` those that a shape may gain by, in the order of the list.
    """

    def __init__(
        self,
        examined: ExaminedCollection,
        rules: HardRules,
        store: VectorStore,
        queries: dict[str, Vectors],
        plans: Registry[Plan] = PLANS,
    ) -> None:
        self._examined, self._rules, self._plans = examined, rules, plans
        self._leaks = 0
        scan = ColumnScan(examined.columns, examined.fields)

        async def scanned(query: NearestQuery) -> Ranked:
            # By itself: what the plan costs, whoever else asks.
            return scan.nearest(query)

        self.collection = Collection(examined.id, store, scan, scanned)
        self.sampler = QuerySampler(examined, rules, scan, queries)

    async def examine(self, at_s: int, effort: Effort, reporter: Reporter) -> MeasuredPlans:
        """Choose a plan for every shape that the rules can make at `at_s`. Raises StoreError when the engine fails."""
        examined = self._examined
        shapes = shapes_of(self._rules, examined.fields, examined.classes, at_s, effort.contexts)
        until = math.inf if effort.budget_s is None else time.monotonic() + effort.budget_s
        waiting = [(shape, using) for shape in shapes for using in examined.dims]
        reports: dict[int, ShapeReport] = {}
        with reporter.stage("measure plans", len(waiting)) as advance:
            for place in sorted(range(len(waiting)), key=lambda place: self._urgency(*waiting[place])):
                if time.monotonic() < until:
                    reports[place] = await self.choose(*waiting[place], effort)
                    advance(1)
        return MeasuredPlans(
            release=examined.id,
            rules_version=self._rules.version,
            measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
            shapes=tuple(reports[place] for place in sorted(reports)),
            unmeasured=len(waiting) - len(reports),
            leaks=self._leaks,
        )

    def _urgency(self, shape: ShapeContexts, using: str) -> tuple[bool, float, int]:
        """What is measured first when time may not suffice for all: what most requests are, then where a scan takes
        longest, and there the most conditions, whose plan answers for fewer of them too (PlanTable)."""
        return FEW_CREATORS in shape.fields, -shape.band * self._examined.dims[using], -len(shape.fields)

    async def choose(self, shape: ShapeContexts, using: str, effort: Effort) -> ShapeReport:
        """The plan with the least p99 among those that find enough; the columns always do."""
        samples = self.sampler.of_shape(shape, using, effort.queries)
        slow = await is_slow(COLUMNS, samples[0], using, self.collection)
        scanned = [sample.first(_FEW) for sample in samples] if slow else samples
        best = await measure(COLUMNS, scanned, using, self.collection, runs=effort.runs)
        tried = [best]
        queries, ended = self.sampler.of_contexts(shape, using), {COLUMNS.family}
        for plan in self._plans:
            if plan.family in ended or not plan.worth_trying(queries, self.collection, scan_is_slow=slow):
                continue
            give_up_ms = _HOPELESS * best.p50_ms
            trial = await measure(plan, samples, using, self.collection, runs=effort.runs, give_up_ms=give_up_ms)
            tried.append(trial)
            self._leaks += trial.leaks
            enough = trial.suffices and trial.finished
            if enough and trial.p99_ms < _CLEARLY * best.p99_ms:
                # The machine may have been busy just when the best so far was measured.
                again = scanned if best.plan is COLUMNS else samples
                best.join(await measure(best.plan, again, using, self.collection, runs=effort.runs))
                if trial.p99_ms < _CLEARLY * best.p99_ms:
                    best = trial
            if enough or trial.p50_ms > best.p50_ms:
                # The next of its family would only cost more.
                ended.add(plan.family)
        return ShapeReport(
            shape=Shape(using=using, fields=shape.fields, band=shape.band),
            share=shape.shares[0],
            chosen=best.measured(),
            tried=tuple(trial.measured() for trial in tried),
        )

    async def probe(self, trial: Trial, context: RequestContext, using: str, number: int) -> None:
        """Add one query of the sample, asked by the plan of `trial` under `context`."""
        sample = self.sampler.canary(context, using, number)
        if not trial.recalls:
            trial.recalls.append([])
        query = NearestQuery(sample.queries[0], using, sample.compiled[0], K)
        trial.judge(sample, 0, await trial.plan.nearest(query, self.collection))
