"""The doctor on a release with a planted bad shape, against brute force: it sees what a plan misses, and avoids it."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from embedding.progress import Reporter
from embedding.protocols import Vectors
from embedding.rows.schema import EVERYWHERE, Item, Window
from indexing.columns.columns import HASH_BYTES, Columns, ColumnsWriter
from indexing.columns.field_columns import FieldColumns, FieldColumnsWriter
from indexing.doctor.contexts import ShapeContexts, shapes_of
from indexing.doctor.doctor import Doctor, Effort
from indexing.doctor.examined import ExaminedCollection
from indexing.doctor.measuring import measure
from indexing.doctor.queries import seed_queries
from indexing.doctor.report import as_percent
from indexing.doctor.trial import Trial
from indexing.payload.availability import AvailabilityClasses
from indexing.payload.payload import Payload, payload_of
from indexing.rules.compiled import FEW_CREATORS, HardRules
from indexing.rules.context import RequestContext
from indexing.rules.declaration import RuleSet, rules_version
from indexing.rules.tables import Duration, Tags
from indexing.search.column_scan import ColumnScan, NearestQuery
from indexing.search.finder import Finder
from indexing.search.measured import MIN_RECALL, ShapeReport, band_of
from indexing.search.plan_table import PlanTable
from indexing.search.plans.columns import COLUMNS
from indexing.search.plans.engine import EXACT, engine_plan
from indexing.stores.contract import CollectionSchema, PointBatch, Ranked, SearchParams
from indexing.stores.edge import EdgeStore
from indexing.stores.hnsw import HnswSettings
from tests.indexing.kinds_of_store import quick_folder
from tests.indexing.stores.made_words import no_words

NUM_ROWS, DIMS, NUM_PLACES = 6_000, 24, 30
AT_S = 1_800_000_000
ADULT = RequestContext(market="SE", at_s=AT_S, age=30)
# Each passes a fifth; together they pass a 25th, and never where they are looked for from.
BAD = replace(ADULT, languages=frozenset({"sv"}), kinds=frozenset({"episode"}))
QUIET = Reporter("none")
# Few edges, so that a few thousand points behave like a million.
THIN_GRAPH = HnswSettings(m=6, ef_construct=30, full_scan_threshold_kb=10, indexing_threshold_kb=1)
EFFORT = Effort(queries=40, contexts=2, runs=1)


class Clinic:
    """A collection with a graph, its columns, and the rules over them."""

    def __init__(self, folder: Path) -> None:
        dice = np.random.default_rng(7)
        centres = dice.normal(size=(NUM_PLACES, DIMS))
        place = dice.integers(NUM_PLACES, size=NUM_ROWS)
        vectors = centres[place] + dice.normal(size=(NUM_ROWS, DIMS)) * 0.5
        self.vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        self.classes = AvailabilityClasses()
        # A fifth of the places speak Swedish, and another fifth has the episodes; strangers among them are few.
        swedish = np.where(dice.random(NUM_ROWS) < 0.1, dice.random(NUM_ROWS) < 0.4, place % 5 == 0)
        episode = np.where(dice.random(NUM_ROWS) < 0.1, dice.random(NUM_ROWS) < 0.4, place % 5 == 1)
        self.payloads = [self._payload(row, bool(swedish[row]), bool(episode[row])) for row in range(NUM_ROWS)]
        self.store = EdgeStore(folder / "releases", THIN_GRAPH)
        columns = folder / "columns"
        fields = FieldColumnsWriter()
        fields.add(self.payloads)
        with ColumnsWriter(columns, {"text": DIMS}) as writer:
            writer.append(self.payloads, [bytes(2 * HASH_BYTES)] * NUM_ROWS, {"text": self.vectors}, no_words(NUM_ROWS))
        fields.save(columns)
        self.examined = ExaminedCollection(
            id="r1",
            columns=Columns(columns),
            fields=FieldColumns(columns),
            classes=self.classes,
            dims={"text": DIMS},
        )

    def _payload(self, row: int, swedish: bool, episode: bool) -> Payload:
        availability = EVERYWHERE if row % 3 else (Window("SE"), Window("GB"))
        item = Item(
            id=f"i{row}",
            kind="episode" if episode else "track",
            title="t",
            creator=f"c{row % 40}",
            language="sv" if swedish else "en",
            explicit=row % 7 == 0,
            availability=availability,
        )
        return payload_of(item, self.classes.add(availability), 0.5)

    async def index(self) -> None:
        await self.store.create("r1", CollectionSchema({"text": DIMS}))
        await self.store.upsert("r1", PointBatch(range(NUM_ROWS), {"text": self.vectors}, self.payloads))
        await self.store.optimise("r1")

    def rules(self, ruleset: RuleSet | None = None) -> HardRules:
        ruleset = ruleset or RuleSet()
        return HardRules(ruleset, rules_version(ruleset), self.classes, self.store.prepare, self.examined.fields.share)

    def doctor(self) -> Doctor:
        queries = seed_queries(self.examined.columns, self.examined.dims, 200)
        return Doctor(self.examined, self.rules(), self.store, queries)

    async def recall(self, params: SearchParams, context: RequestContext, queries: Vectors) -> float:
        """Of the engine by `params` for `queries` (Q, dims), by brute force: ids compared, not scores."""
        compiled = self.rules().compile(context)
        allowed = np.array([compiled.accepts(payload) for payload in self.payloads])
        found = 0
        for query in queries:
            scores = np.where(allowed, self.vectors @ query, -np.inf)
            exact = set(np.argsort(-scores)[:10].tolist())
            answer = await self.store.nearest(
                "r1", query, using="text", where=compiled.prepared, limit=10, params=params
            )
            found += len(exact & set(answer.rows))
        return found / (10 * len(queries))


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory, runner: asyncio.Runner) -> Iterator[Clinic]:
    with quick_folder(tmp_path_factory.mktemp("clinic")) as folder:
        clinic = Clinic(folder / "data")
        runner.run(clinic.index())
        yield clinic
        runner.run(clinic.store.close())


def shape_with(clinic: Clinic, context: RequestContext) -> tuple[str, ...]:
    return tuple(sorted(clinic.rules().compile(context).fields))


def slow_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the release were so large that a scan takes 12 ms."""
    scan = ColumnScan.nearest

    def slowly(self: ColumnScan, query: NearestQuery) -> Ranked:
        until = time.perf_counter() + 0.012
        answer = scan(self, query)
        while time.perf_counter() < until:
            pass
        return answer

    monkeypatch.setattr(ColumnScan, "nearest", slowly)
    monkeypatch.setattr("indexing.search.plans.engine._SMALL_BYTES", 0)


def test_every_shape_of_the_rules_has_contexts_of_its_own_band(clinic: Clinic) -> None:
    rules, facts = clinic.rules(), clinic.examined.fields
    shapes = shapes_of(rules, facts, clinic.classes, AT_S, contexts_each=3)
    assert len({(shape.fields, shape.band) for shape in shapes}) == len(shapes)
    # With and without explicit, languages, kinds and blocked creators: all of which include these two.
    assert len({shape.fields for shape in shapes}) == 16
    for shape in shapes:
        assert {"availability_class", "min_age"} <= set(shape.fields)
        assert 1 <= len(shape.contexts) <= 3
        assert list(shape.shares) == sorted(shape.shares)
        for context, share in zip(shape.contexts, shape.shares, strict=True):
            if FEW_CREATORS in shape.fields:
                context = replace(context, blocked_creators=frozenset({"c1"}))
            compiled = rules.compile(context)
            assert (tuple(sorted(compiled.fields)), band_of(compiled.share)) == (shape.fields, shape.band)
            assert compiled.share == share
    markets = {context.market for shape in shapes for context in shape.contexts}
    assert markets & {"SE", "GB"}
    assert "XX" in markets


def test_rules_that_always_ask_are_part_of_every_shape(clinic: Clinic) -> None:
    ruleset = RuleSet(tags=Tags(denied=("x",)), duration=Duration(max_s=600.0))
    rules = clinic.rules(ruleset)
    shapes = shapes_of(rules, clinic.examined.fields, clinic.classes, AT_S, contexts_each=1)
    assert all({"tags", "duration_s"} <= set(shape.fields) for shape in shapes)
    assert all(rules.compile(shape.contexts[0]).share == shape.shares[0] for shape in shapes)


def test_a_planted_bad_shape_is_answered_from_the_columns(clinic: Clinic, runner: asyncio.Runner) -> None:
    assert runner.run(clinic.recall(SearchParams(), BAD, clinic.vectors[:60])) < 0.9
    plans = runner.run(clinic.doctor().examine(AT_S, EFFORT, QUIET))
    assert plans.unmeasured == plans.leaks == 0
    assert {report.chosen.plan for report in plans.shapes} == {"columns"}
    assert all(report.chosen.recall == 1.0 for report in plans.shapes)


def test_where_the_columns_are_slow_a_plan_of_the_engine_that_finds_enough_is_chosen(
    clinic: Clinic, runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes = shapes_of(clinic.rules(), clinic.examined.fields, clinic.classes, AT_S, contexts_each=2)
    fields = shape_with(clinic, BAD)
    band = band_of(clinic.rules().compile(BAD).share)
    bad = next(shape for shape in shapes if (shape.fields, shape.band) == (fields, band))
    slow_columns(monkeypatch)
    report = runner.run(clinic.doctor().choose(bad, "text", replace(EFFORT, queries=60)))
    assert isinstance(report.chosen.plan, SearchParams)
    assert report.chosen.recall >= MIN_RECALL
    missed = [tried for tried in report.tried if tried.recall < MIN_RECALL]
    assert SearchParams(ef=64) in [tried.plan for tried in missed]
    # By brute force, on rows that the doctor did not ask with alone.
    one, other = clinic.vectors[:100], clinic.vectors[100:200]
    # As histories and several seeds ask.
    between = (one + other) / np.linalg.norm(one + other, axis=1, keepdims=True)
    for context in bad.contexts:
        for queries in (one, between):
            assert runner.run(clinic.recall(report.chosen.plan, context, queries)) >= MIN_RECALL


def test_where_a_scan_is_slow_it_is_timed_by_few_queries_and_wider_beams_are_tried(
    clinic: Clinic, runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes = shapes_of(clinic.rules(), clinic.examined.fields, clinic.classes, AT_S, contexts_each=2)
    compiled = clinic.rules().compile(BAD)
    bad = next(s for s in shapes if (s.fields, s.band) == (shape_with(clinic, BAD), band_of(compiled.share)))
    slow_columns(monkeypatch)
    # Nothing that the engine finds is ever enough.
    monkeypatch.setattr(Trial, "suffices", property(lambda trial: trial.plan is COLUMNS))
    report = runner.run(clinic.doctor().choose(bad, "text", replace(EFFORT, queries=60)))
    assert report.chosen.plan == "columns"
    # Of three sorts, 20 each.
    assert report.chosen.queries == 3 * 8 * len(bad.contexts)
    beams = [(tried.plan.acorn, tried.plan.ef) for tried in report.tried if isinstance(tried.plan, SearchParams)]
    assert beams[:5] == [(False, 64), (False, 128), (False, 256), (False, 512), (False, 1024)]


def test_recall_is_measured_as_brute_force_has_it(clinic: Clinic, runner: asyncio.Runner) -> None:
    doctor = clinic.doctor()
    rows = range(80)
    sample = doctor.sampler.answered([BAD] * len(rows), clinic.vectors[list(rows)], "text")
    for plan in (engine_plan(SearchParams(ef=64)), EXACT):
        trial = runner.run(measure(plan, [sample], "text", doctor.collection, runs=1))
        recall = runner.run(clinic.recall(plan.params, BAD, clinic.vectors[list(rows)]))
        assert trial.recall == pytest.approx(recall, abs=1e-9)
        assert len(trial.times_ms) == len(rows)
        assert trial.leaks == 0


def test_ties_count_as_found(clinic: Clinic) -> None:
    doctor = clinic.doctor()
    sample = doctor.sampler.answered([ADULT] * 2, clinic.vectors[:2], "text")
    scores = [sample.least[0]] * 10
    trial = Trial(engine_plan(SearchParams()))
    trial.recalls.append([])
    # Other rows than those of the exact answer, as near as its last one; and a page that is short.
    passing = [row for row in range(NUM_ROWS) if sample.passes[0](row)]
    trial.judge(sample, 0, Ranked(passing[-10:], scores))
    trial.judge(sample, 0, Ranked(passing[-4:], scores[:4]))
    assert trial.recalls == [[1.0, 0.4]]
    assert trial.short_pages == 1


def test_what_the_rules_forbid_is_a_leak_and_not_found(clinic: Clinic) -> None:
    doctor = clinic.doctor()
    sample = doctor.sampler.answered([BAD], clinic.vectors[:1], "text")
    forbidden = next(row for row in range(NUM_ROWS) if not sample.passes[0](row))
    trial = Trial(engine_plan(SearchParams()))
    trial.recalls.append([])
    trial.judge(sample, 0, Ranked([forbidden] * 10, [1.0] * 10))
    assert (trial.leaks, trial.recalls) == (10, [[0.0]])


def test_what_is_scanned_slowly_is_measured_first_with_the_most_conditions(
    clinic: Clinic, runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = []
    choose = Doctor.choose

    async def noting(self: Doctor, shape: ShapeContexts, using: str, effort: Effort) -> ShapeReport:
        chosen.append((FEW_CREATORS in shape.fields, -shape.band, -len(shape.fields)))
        return await choose(self, shape, using, effort)

    monkeypatch.setattr(Doctor, "choose", noting)
    plans = runner.run(clinic.doctor().examine(AT_S, replace(EFFORT, queries=6, contexts=1), QUIET))
    assert chosen == sorted(chosen)
    # They are told in the order of their fields all the same.
    fields = [report.shape.fields for report in plans.shapes]
    assert fields.index(min(fields, key=len)) == 0


def test_a_budget_leaves_shapes_unmeasured_and_says_so(clinic: Clinic, runner: asyncio.Runner) -> None:
    plans = runner.run(clinic.doctor().examine(AT_S, replace(EFFORT, budget_s=0.0), QUIET))
    assert plans.shapes == ()
    assert plans.unmeasured >= 8
    table = PlanTable(plans.shapes)
    assert table.plan_for(clinic.rules().compile(BAD), "text") == COLUMNS


def test_who_blocks_what_is_nearest_is_asked_for_too(clinic: Clinic, runner: asyncio.Runner) -> None:
    shapes = shapes_of(clinic.rules(), clinic.examined.fields, clinic.classes, AT_S, contexts_each=2)
    blocking = next(shape for shape in shapes if FEW_CREATORS in shape.fields)
    report = runner.run(clinic.doctor().choose(blocking, "text", EFFORT))
    table = PlanTable([report])
    some = replace(blocking.contexts[0], blocked_creators=frozenset({"c1", "c2"}))
    assert table.plan_for(clinic.rules().compile(some), "text").stored == report.chosen.plan
    assert not table.unmeasured
    # More than were measured make another shape, as a graph then finds next to nothing.
    many = replace(some, blocked_creators=frozenset(f"c{number}" for number in range(21)))
    assert table.plan_for(clinic.rules().compile(many), "text") == COLUMNS
    assert len(table.unmeasured) == 1


def test_luck_is_not_enough() -> None:
    trial = Trial(engine_plan(SearchParams()))
    trial.recalls = [[1.0] * 100, [1.0] * 90 + [0.9] * 10]
    # .99 as it is, and within one standard error of less.
    assert trial.recall == pytest.approx(0.99)
    assert not trial.suffices
    trial.recalls[1] = [1.0] * 95 + [0.9] * 5
    assert trial.suffices


def test_the_finder_goes_by_the_table_and_can_always_be_exact(clinic: Clinic, runner: asyncio.Runner) -> None:
    compiled = clinic.rules().compile(BAD)
    scan = ColumnScan(clinic.examined.columns, clinic.examined.fields)
    plans = runner.run(clinic.doctor().examine(AT_S, EFFORT, QUIET))
    graphs = [replace(report, chosen=replace(report.chosen, plan=SearchParams(ef=64))) for report in plans.shapes]
    query = clinic.vectors[5]
    exact = scan.nearest(NearestQuery(query, "text", compiled, 10))
    for reports in (plans.shapes, graphs):
        finder = Finder(clinic.store, "r1", scan, PlanTable(reports))
        by_plan = runner.run(finder.nearest(query, using="text", compiled=compiled, limit=10))
        assert by_plan.exact is (reports is plans.shapes)
        proved = runner.run(finder.nearest(query, using="text", compiled=compiled, limit=10, exact=True))
        assert (proved.rows, proved.exact) == (exact.rows, True)
        assert finder.unmeasured_shapes == 0
    without = Finder(clinic.store, "r1", scan, PlanTable(()))
    assert runner.run(without.nearest(query, using="text", compiled=compiled, limit=10)).rows == exact.rows
    assert without.unmeasured_shapes == 1


@pytest.mark.parametrize(("share", "shown"), [(1.0, "100 %"), (0.5263, "53 %"), (0.0042, "0.42 %"), (0.0, "0 %")])
def test_a_share_is_shown_without_an_exponent(share: float, shown: str) -> None:
    assert as_percent(share) == shown
