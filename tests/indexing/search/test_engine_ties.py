"""Rows of one score stand by row on every plan and store, at every limit, whatever order an engine gives them."""

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedding.protocols import Vectors
from embedding.rows.schema import EVERYWHERE, Item
from indexing.columns.scoring import one_by_one
from indexing.rules.compiled import CompiledContext, HardRules
from indexing.rules.declaration import RuleSet
from indexing.search import engine_ties
from indexing.search.column_scan import NearestQuery
from indexing.search.finder import Finder
from indexing.search.measured import Measured, ShapeReport, shape_of
from indexing.search.plan import Collection, Nearest, Plan
from indexing.search.plan_table import PlanTable
from indexing.search.plans.registry import PLANS
from indexing.search.shared_scan import SharedScan
from indexing.stores.contract import CollectionSchema, PointBatch, Ranked
from tests.indexing.kinds_of_store import GRAPH_AT_ONCE, Stores
from tests.indexing.made_points import unit_vectors
from tests.indexing.scanned import ANYBODY, Catalogue

NUM_ROWS, DIMS, SPACE, ID = 400, 16, "text", "r1"
# So many rows have the vector of row 7, and so many that of row 8; they lie all over the collection.
NUM_COPIES, NUM_MANY = 30, 110


def vectors_with_copies() -> Vectors:
    vectors: Vectors = unit_vectors(NUM_ROWS, DIMS, seed=5)
    dice = np.random.default_rng(2)
    taken = dice.permutation(np.arange(10, NUM_ROWS))[: NUM_COPIES + NUM_MANY - 2]
    vectors[taken[: NUM_COPIES - 1]] = vectors[7]
    vectors[taken[NUM_COPIES - 1 :]] = vectors[8]
    return vectors


class TiedWorld:
    """One collection with copies, in an engine and in columns."""

    def __init__(self, stores: Stores) -> None:
        self.vectors = vectors_with_copies()
        rows = [
            Item(id=f"i{row}", kind="track", title="t", creator=f"c{row % 50}", availability=EVERYWHERE)
            for row in range(NUM_ROWS)
        ]
        stores.data_dir.mkdir(parents=True, exist_ok=True)
        self.catalogue = Catalogue(rows, stores.data_dir / "columns", {SPACE: self.vectors})
        self.store = stores.open(GRAPH_AT_ONCE)
        # Memory mode has no graph, and is slow: one plan of each family says as much.
        families = {plan.family: plan for plan in PLANS}
        self.plans = list(families.values()) if stores.kind == "memory" else list(PLANS)
        classes, share = self.catalogue.classes, self.catalogue.fields.share
        self.compiled: CompiledContext = HardRules(RuleSet(), "v1", classes, self.store.prepare, share).compile(ANYBODY)
        scan = self.catalogue.scan
        self.collection = Collection(ID, self.store, scan, SharedScan(scan).nearest)

    async def index(self) -> None:
        await self.store.create(ID, CollectionSchema({SPACE: DIMS}))
        await self.store.upsert(ID, PointBatch(range(NUM_ROWS), {SPACE: self.vectors}, self.catalogue.payloads))
        await self.store.optimise(ID)

    async def nearest(self, plan: Plan, vector: Vectors, limit: int) -> Nearest:
        return await plan.nearest(NearestQuery(vector, SPACE, self.compiled, limit), self.collection)

    def best(self, vector: Vectors, limit: int) -> Ranked:
        """By brute force."""
        scores = one_by_one(self.vectors, vector)
        order = np.lexsort((np.arange(NUM_ROWS), -scores))[:limit]
        return Ranked(order.tolist(), scores[order].tolist())


def in_world(stores: Stores, work: Callable[[TiedWorld], Any]) -> None:
    async def run() -> None:
        world = TiedWorld(stores)
        await world.index()
        try:
            await work(world)
        finally:
            await world.store.close()

    asyncio.run(run())


def test_every_limit_is_how_a_longer_one_begins_on_every_plan(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(world: TiedWorld) -> None:
        for last_step in (1_024, 64):
            # The second time the columns have to say where 110 copies end.
            monkeypatch.setattr(engine_ties, "_LAST_STEP", last_step)
            for plan in world.plans:
                for row in (7, 8):
                    vector = world.vectors[row]
                    long = await world.nearest(plan, vector, 30)
                    copies = np.flatnonzero((world.vectors == vector).all(axis=1))
                    if long.exact:
                        assert long.rows == copies[:30].tolist(), plan.name
                        assert long.scores == world.best(vector, 30).scores
                    assert long.rows == sorted(long.rows)
                    assert len(set(long.scores)) == 1
                    for limit in (1, 5, 20):
                        found = await world.nearest(plan, vector, limit)
                        assert found.rows == long.rows[:limit], (plan.name, row, limit)
                        assert found.scores == long.scores[:limit]
                # Beside what is no copy: the end of the copies lies within the list.
                beside = world.vectors[7] + 0.3 * world.vectors[3]
                beside /= np.linalg.norm(beside)
                long = await world.nearest(plan, beside, 45)
                for limit in (1, 5, 20, 30):
                    assert (await world.nearest(plan, beside, limit)).rows == long.rows[:limit], (plan.name, limit)
                if long.exact:
                    assert long.rows == world.best(beside, 45).rows

    in_world(stores, work)


def test_it_is_told_which_plan_answered(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(world: TiedWorld) -> None:
        shape = shape_of(world.compiled, SPACE)
        for plan in world.plans:
            measured = Measured(plan=plan.stored, recall=1.0, p50_ms=1.0, p99_ms=1.0, short_pages=0, queries=1)
            reports = [ShapeReport(shape=shape, share=1.0, chosen=measured, tried=(measured,))]
            finder = Finder(world.store, ID, world.catalogue.scan, PlanTable(reports))
            for row, steps in ((3, 1_024), (8, 1_024), (8, 64)):
                monkeypatch.setattr(engine_ties, "_LAST_STEP", steps)
                vector = world.vectors[row]
                found = await finder.nearest(vector, using=SPACE, compiled=world.compiled, limit=20)
                # 110 rows of one score are more than 64 can tell an order of.
                told = {"columns" if plan.asks_engine and steps == 64 else plan.name}
                if stores.kind == "server" and not found.exact:
                    # A server's graph finds fewer of so many copies than 64, and those it can order.
                    told.add(plan.name)
                assert found.plan in told
                assert found.exact or found.plan == plan.name

    in_world(stores, work)


# Few different scores, some of them a bit apart: a last bit, or what sums may differ by.
scores_of_rows = st.lists(
    st.sampled_from((0.5, 0.25, np.nextafter(np.float32(0.5), np.float32(1)), 0.50001, -0.1, 0.9)),
    min_size=1,
    max_size=150,
)


class NoisyEngine:
    """Right up to the last bits, and of what scores alike it gives any, in an order that the limit decides."""

    def __init__(self, scores: np.ndarray, seed: int) -> None:
        self._scores, self._seed = scores, seed
        self.asked: list[int] = []

    async def ask(self, limit: int) -> Ranked:
        self.asked.append(limit)
        dice = np.random.default_rng((self._seed, limit))
        noisy = (self._scores + dice.choice((-1e-7, 0.0, 1e-7), len(self._scores))).astype(np.float32)
        order = np.lexsort((dice.random(len(noisy)), -noisy))[:limit]
        return Ranked(order.tolist(), noisy[order].tolist())


@settings(max_examples=150, deadline=None)
@given(
    scores=scores_of_rows, limit=st.integers(1, 160), seed=st.integers(0, 99), last_step=st.sampled_from((64, 1_024))
)
def test_what_any_engine_gives_is_brought_into_one_order(
    scores: list[float], limit: int, seed: int, last_step: int
) -> None:
    class OneColumn:
        def vectors(self, _: str) -> Vectors:
            return np.array(scores, np.float32)[:, np.newaxis]

    class Scan:
        columns = OneColumn()

    engine = NoisyEngine(np.array(scores, np.float32), seed)
    query = NearestQuery(np.ones(1, np.float32), SPACE, None, limit)  # type: ignore[arg-type]  # nobody asks it
    collection = Collection(ID, None, Scan(), None)  # type: ignore[arg-type]  # as far as it is asked
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine_ties, "_LAST_STEP", last_step)
        found = asyncio.run(engine_ties.in_order(engine.ask, query, collection, finds_all=True))
    exact = np.array(scores, np.float32)
    expected = np.lexsort((np.arange(len(exact)), -exact))[:limit]
    if found is None:
        # More of one score than may be asked for.
        assert len(scores) >= max(last_step, engine.asked[-1])
        return
    assert found.rows == expected.tolist()
    assert found.scores == exact[expected].tolist()


def test_what_ties_nowhere_is_asked_for_once() -> None:
    vectors: Vectors = unit_vectors(500, 8, seed=1)

    class OneColumn:
        def vectors(self, _: str) -> Vectors:
            return vectors

    class Scan:
        columns = OneColumn()

    engine = NoisyEngine(one_by_one(vectors, vectors[0]), 1)
    query = NearestQuery(vectors[0], SPACE, None, 10)  # type: ignore[arg-type]  # nobody asks it
    collection = Collection(ID, None, Scan(), None)  # type: ignore[arg-type]  # as far as it is asked
    for finds_all in (True, False):
        engine.asked.clear()
        asyncio.run(engine_ties.in_order(engine.ask, query, collection, finds_all=finds_all))
        assert len(engine.asked) == 1
