"""The recall doctor: measures on a release's own vectors what each plan finds and costs, and chooses one a shape."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from embedding.progress import Reporter
from embedding.protocols import Vectors
from indexing.columns.columns import PointRows
from indexing.columns.field_columns import PointFields
from indexing.doctor.contexts import ShapeContexts, shapes_of
from indexing.doctor.trial import Case, K, Trial
from indexing.filters.predicate import predicate
from indexing.payload.availability import AvailabilityClasses
from indexing.rules.compiled import FEW_CREATORS, MOST_FEW_CREATORS, CompiledContext, HardRules
from indexing.rules.context import RequestContext
from indexing.search.column_scan import ColumnScan, Wanted
from indexing.search.plans import COLUMNS, NARROW, Plans, Shape, ShapePlan, ShapeReport
from indexing.stores.contract import Plan, Ranked, VectorStore

# Each from the cheapest up: the first that finds enough ends the climb, as a wider beam only costs more.
LADDERS: tuple[tuple[Plan, ...], ...] = (
    tuple(Plan(ef=ef) for ef in (64, 128, 256, 512)),
    tuple(Plan(acorn=True, ef=ef) for ef in (64, 128, 256)),
    (Plan(exact=True),),
)
# Where a scan is slow, a beam of these is worth a try, too.
WIDER_LADDERS = ((*LADDERS[0], Plan(ef=1024)), (*LADDERS[1], Plan(acorn=True, ef=512)), LADDERS[2])
# A scan of no more takes 10 us besides the 40 that any takes, and no query of either engine less than 50 (docs/log.md):
# the engine is not asked. By bytes, as times would choose other plans on a busy machine.
_SMALL_BYTES = 256 << 10
# A plan whose first queries take this many times as long as the best so far is not measured to the end.
_HOPELESS = 2.0
_FIRST_LOOK = 6
# What takes longer is not run again to be timed better. A scan that does is timed by so few queries of each sort: it
# misses nothing, and takes as long each time.
_SLOW_MS, _FEW = 3.0, 8
_NUM_SORTS = 3
# Exact answers worked out together.
_AT_ONCE = 32
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


class Patient(Struct, frozen=True, kw_only=True):
    """A collection of a release as the doctor sees it, finished or not: open and idle in the store."""

    id: str
    columns: PointRows
    fields: PointFields
    classes: AvailabilityClasses
    dims: dict[str, int]


class Doctor:
    """Measures one release under one set of rules; `queries` (Q, dims) stand for each named vector's requests."""

    def __init__(self, patient: Patient, rules: HardRules, store: VectorStore, queries: dict[str, Vectors]) -> None:
        self._patient = patient
        self._rules = rules
        self._store = store
        self._queries = queries
        self._leaks = 0
        self._scan = ColumnScan(patient.columns, patient.fields)

    async def examine(self, at_s: int, effort: Effort, reporter: Reporter) -> Plans:
        """Choose a plan for every shape that the rules can make at `at_s`. Raises StoreError when the engine fails."""
        patient = self._patient
        shapes = shapes_of(self._rules, patient.fields, patient.classes, at_s, effort.contexts)
        until = math.inf if effort.budget_s is None else time.monotonic() + effort.budget_s
        waiting = [(shape, using) for shape in shapes for using in patient.dims]
        reports: dict[int, ShapeReport] = {}
        with reporter.stage("measure plans", len(waiting)) as advance:
            for place in sorted(range(len(waiting)), key=lambda place: self._urgency(*waiting[place])):
                if time.monotonic() < until:
                    reports[place] = await self.choose(*waiting[place], effort)
                    advance(1)
        return Plans(
            release=patient.id,
            rules_version=self._rules.version,
            measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
            shapes=tuple(reports[place] for place in sorted(reports)),
            unmeasured=len(waiting) - len(reports),
            leaks=self._leaks,
        )

    def _urgency(self, shape: ShapeContexts, using: str) -> tuple[bool, float, int]:
        """What is measured first when time may not suffice for all: what most requests are, then where a scan takes
        longest, and there the most conditions, whose plan answers for fewer of them too (PlanTable)."""
        return FEW_CREATORS in shape.fields, -shape.band * self._patient.dims[using], -len(shape.fields)

    async def choose(self, shape: ShapeContexts, using: str, effort: Effort) -> ShapeReport:
        """The plan with the least p99 among those that find enough; the columns always do."""
        cases = []
        for context in shape.contexts:
            for queries in self._of_each_sort(context, using, effort.queries):
                contexts = [context] * len(queries)
                if FEW_CREATORS in shape.fields:
                    contexts = self._blocking(context, queries, using)
                cases.append(self.case(contexts, queries, using))
        slow = await self._scans_slowly(cases[0], using)
        scanned = [case.first(_FEW) for case in cases] if slow else cases
        best = await self.measure(COLUMNS, scanned, using, effort.runs)
        tried = [best]
        ladders: tuple[tuple[ShapePlan, ...], ...] = WIDER_LADDERS if slow else LADDERS
        if all(self._goes_narrowly(context, using) for context in shape.contexts):
            ladders = ((NARROW,), *ladders)
        for ladder in () if self._is_small(shape, using) else ladders:
            for plan in ladder:
                trial = await self.measure(plan, cases, using, effort.runs, give_up_ms=_HOPELESS * best.p50_ms)
                tried.append(trial)
                self._leaks += trial.leaks
                enough = trial.suffices and trial.finished
                if enough and trial.p99_ms < _CLEARLY * best.p99_ms:
                    # The machine may have been busy just when the best so far was measured.
                    again = scanned if best.plan == COLUMNS else cases
                    best.join(await self.measure(best.plan, again, using, effort.runs))
                    if trial.p99_ms < _CLEARLY * best.p99_ms:
                        best = trial
                if enough or trial.p50_ms > best.p50_ms:
                    break
        named = Shape(using=using, fields=shape.fields, band=shape.band)
        return ShapeReport(
            shape=named, share=shape.shares[0], chosen=best.measured(), tried=tuple(trial.measured() for trial in tried)
        )

    async def probe(self, trial: Trial, context: RequestContext, using: str, number: int) -> None:
        """Add one query of the sample, asked by the plan of `trial` under `context`."""
        query = self._queries[using][number]
        case = self.case([context], query[np.newaxis], using)
        if not trial.recalls:
            trial.recalls.append([])
        trial.judge(case, 0, await self._nearest(trial.plan, case.compiled[0], query, using))

    def _of_each_sort(self, context: RequestContext, using: str, number: int) -> list[Vectors]:
        """Queries (Q, dims) of three sorts, `number` in all, each of which a plan must find enough for.

        Rows that pass, as who asks has mostly been shown what they ask about; vectors between three such rows, as
        histories and several seeds make them; and the sample, as a narrow shape is hardest where hardly anything
        passes.
        """
        passing = self._scan.passing_rows(self._rules.compile(context))
        vectors = self._patient.columns.vectors(using)
        drawn = np.random.default_rng(len(passing)).permutation(passing)[: number // _NUM_SORTS]
        near = vectors[drawn]
        between = near + vectors[np.roll(drawn, 1)] + vectors[np.roll(drawn, 2)]
        between /= np.maximum(np.linalg.norm(between, axis=1, keepdims=True), np.finfo(np.float32).tiny)
        far = self._queries[using][: number - len(near) - len(between)]
        return [queries for queries in (near, between, far) if len(queries)]

    def _blocking(self, context: RequestContext, queries: Vectors, using: str) -> list[RequestContext]:
        """For each of `queries` (Q, dims) the context of someone who blocks the creators of what is nearest to it:
        nothing is harder to find."""
        compiled, payload = [self._rules.compile(context)] * len(queries), self._patient.columns.payload
        return [
            replace(context, blocked_creators=frozenset(payload(row).creator_keys[0] for row in nearest.rows))
            for nearest in self._exact(queries, compiled, using, MOST_FEW_CREATORS)
        ]

    def _exact(self, queries: Vectors, compiled: Sequence[CompiledContext], using: str, limit: int) -> Iterator[Ranked]:
        """The exact answer to each of `queries` (Q, dims) under its rules."""
        wanted = [Wanted(query, using, rules, limit) for query, rules in zip(queries, compiled, strict=True)]
        for start in range(0, len(wanted), _AT_ONCE):
            yield from self._scan.nearest_of(wanted[start : start + _AT_ONCE])

    def _is_small(self, shape: ShapeContexts, using: str) -> bool:
        """Whether the vectors that pass are too few for the engine to win."""
        most = max(len(self._scan.passing_rows(self._rules.compile(context))) for context in shape.contexts)
        return 4 * self._patient.dims[using] * most <= _SMALL_BYTES

    def _goes_narrowly(self, context: RequestContext, using: str) -> bool:
        """Whether a narrow scan is one: of few rows all are scored in full."""
        any_vector = self._queries[using][0]
        wanted = Wanted(any_vector, using, self._rules.compile(context), K, narrowly=True)
        return not self._scan.misses_nothing(wanted)

    async def _scans_slowly(self, case: Case, using: str) -> bool:
        """Whether a scan of the columns takes longer than can be timed for every query."""
        times_ms = []
        for query in case.queries[:_FIRST_LOOK]:
            start = time.perf_counter()
            await self._nearest(COLUMNS, case.compiled[0], query, using)
            times_ms.append(1_000 * (time.perf_counter() - start))
        return float(np.median(times_ms)) > _SLOW_MS

    def case(self, contexts: list[RequestContext], queries: Vectors, using: str) -> Case:
        """`queries` (Q, dims), each under its context, with the ends of their exact answers."""
        compiled = [self._rules.compile(context) for context in contexts]
        answers = [found.scores for found in self._exact(queries, compiled, using, K)]
        # Mostly one context for all of them.
        predicates = {id(rules): self._passes(rules) for rules in compiled}
        return Case(
            queries=queries,
            compiled=compiled,
            passes=[predicates[id(rules)] for rules in compiled],
            num_found=[len(scores) for scores in answers],
            least=[scores[-1] if scores else math.inf for scores in answers],
        )

    def _passes(self, compiled: CompiledContext) -> Callable[[int], bool]:
        passes, payload = predicate(compiled.filter), self._patient.columns.payload
        return lambda row: passes(row, payload(row))

    async def measure(
        self, plan: ShapePlan, cases: list[Case], using: str, runs: int, give_up_ms: float = math.inf
    ) -> Trial:
        """Run the queries of all cases by `plan`; ends early once they cannot suffice, or take `give_up_ms` at p50."""
        trial = Trial(plan)
        for case in cases:
            # What the first query of a context finds cold is no part of the plan.
            await self._nearest(plan, case.compiled[0], case.queries[0], using)
            trial.recalls.append([])
            times_ms = [math.inf] * len(case.queries)
            for run in range(runs):
                for number, query in enumerate(case.queries):
                    start = time.perf_counter()
                    answer = await self._nearest(plan, case.compiled[number], query, using)
                    times_ms[number] = min(times_ms[number], 1_000 * (time.perf_counter() - start))
                    if run == 0:
                        trial.judge(case, number, answer)
                    if run == 0 and number == _FIRST_LOOK and np.median(times_ms[:number]) > give_up_ms:
                        trial.times_ms += times_ms[: number + 1]
                        return trial
                if np.median(times_ms) > _SLOW_MS:
                    break
            trial.times_ms += times_ms
            if not trial.suffices:
                return trial
        trial.finished = True
        return trial

    async def _nearest(self, plan: ShapePlan, compiled: CompiledContext, query: Vectors, using: str) -> Ranked:
        if isinstance(plan, str):
            return self._scan.nearest(query, using=using, compiled=compiled, limit=K, narrowly=plan == NARROW)
        return await self._store.nearest(
            self._patient.id, query, using=using, where=compiled.prepared, limit=K, plan=plan
        )
