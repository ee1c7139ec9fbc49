"""The applications that `benchmarks.floor` compares: the product, and the least that could answer the same queries.

The floor has the same server, framework, request and response types, and makes the same engine query: vector, filter
built beforehand, plan, limit, no payload. Its hits come from a list in memory, as JSON already. It compiles no
rules, looks up no seed and re-checks nothing. For `recommend` it runs the query tower's forward over a user's history.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from itertools import cycle
from pathlib import Path
from typing import cast

import msgspec
import numpy as np
import torch
from litestar import Litestar, post
from litestar.params import JSONBody, SkipValidation
from numpy.typing import NDArray

from benchmarks.world import NOW_S, PlantedEncoder
from embedding.data.split import Split
from embedding.data.train_config import TrainConfig
from embedding.towers.candidate_tower import CandidateTower
from embedding.towers.model import Towers
from embedding.towers.model_folder import ModelCounts, ModelManifest
from embedding.towers.query_tower import QueryTower
from embedding.towers.vocabulary import Vocabulary
from indexing.journal.current_rows import CurrentRows
from indexing.journal.file_log import FileLog
from indexing.release.release import Release
from indexing.releases.releases import Releases
from indexing.rules.accepted import AcceptedRules
from indexing.rules.compiled import HardRules
from indexing.rules.context import RequestContext
from indexing.search.column_scan import ColumnScan
from indexing.search.plans import NARROW
from indexing.search.plans_file import plan_table
from indexing.stores.contract import Plan, Ranked
from indexing.stores.edge import EdgeStore
from service.api.request_body import BodyRequest
from service.app import create_app
from service.dependencies import Dependencies
from service.loaded.loaded_release import LoadedRelease
from service.queries.cursors import Cursors
from service.ranking.encoder_gate import EncoderGate
from service.schemas.answers import Answer, Hit, JsonAnswer, hit_of
from service.schemas.requests import RecommendRequest, SimilarRequest
from service.schemas.settings import Settings

FOLDER = "BENCHMARK_WORLD"
LIMIT = 20
# The engine's cheapest for this context, which passes 53 % (docs/log.md); the product goes by the plans of its release.
PLAN = Plan(ef=128)
CONTEXT = RequestContext(market="SE", at_s=NOW_S, explicit=False)


def opened() -> tuple[EdgeStore, Release, HardRules]:
    """Store, live release and rules of the world."""
    folder = Path(os.environ[FOLDER])
    store = EdgeStore(folder / "releases")
    releases = Releases(folder, store)
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        release = releases.open(runner.run(releases.live_id()))
        runner.run(store.open(release.id))
    version, ruleset = AcceptedRules(folder / "rules").current()
    return store, release, HardRules(ruleset, version, release.classes, store.prepare, release.share)


def planted_tower(dims: int) -> Towers:
    """Towers fresh from their initialisation, over the planted vectors: what a forward costs does not depend on
    training, and their start vector is short beside a history."""
    torch.manual_seed(0)
    manifest = ModelManifest(
        dims=dims,
        encoder_hash=None,
        text_dims=0,
        input_fields=(),
        config=TrainConfig(dims=dims),
        split=Split(name="none"),
        fingerprint="",
        counts=ModelCounts(items=0, users=0, pairs=0, skips=0),
        crossing=(("track", "episode"),),
        device="cpu",
        libraries={},
    )
    return Towers(manifest, Vocabulary.learn([], ("id",), {}), CandidateTower(0, {}, 0, dims), QueryTower(dims))


def vectors_of(query: str, release: Release) -> Callable[[], NDArray[np.float32]]:
    """The query vectors of one seed after another, or of one user's history after another through the query tower."""
    vectors = release.columns.vectors("text")
    if query == "similar":
        return cycle([vectors[row] for row in range(0, len(vectors), 97)]).__next__
    tower = planted_tower(vectors.shape[1])
    next_user = cycle(range(len(release.users))).__next__

    def next_vector() -> NDArray[np.float32]:
        user = release.users.history(next_user())
        return tower.encode(vectors[user.rows], np.array(user.weights), CONTEXT.at_s)

    return next_vector


def build_product() -> Litestar:
    """The product's application over the world."""
    return create_app(parts_of_world())


def parts_of_world() -> Dependencies:
    """What the product's application is made of, over the world."""
    store, release, rules = opened()
    live = LoadedRelease(
        release=release,
        rows=CurrentRows(release),
        journal=FileLog(Path(os.environ[FOLDER]) / "journal").reader(),
        rules=rules,
        tower=planted_tower(release.manifest.dims["text"]),
    )
    encoder = PlantedEncoder(release.manifest.dims["text"])
    return Dependencies(
        settings=Settings(data_dir=Path(os.environ[FOLDER])),
        store=store,
        live=live,
        held={release.id: live},
        releases=Releases(Path(os.environ[FOLDER]), store),
        rules=AcceptedRules(Path(os.environ[FOLDER]) / "rules"),
        encoder=EncoderGate(lambda: encoder, 30.0),
        cursors=Cursors(b"benchmark", 900),
        journal=FileLog(Path(os.environ[FOLDER]) / "journal"),
        activate=_refuse,
        compact=_refuse_too,
        make_puts=lambda _items, _live, _encoder: [],
    )


async def _refuse(_release_id: str, _widen: bool) -> str:
    return "a benchmark serves one release"


async def _refuse_too() -> str:
    return "a benchmark serves one release"


def build_floor() -> Litestar:
    """The floor's application over the same world: the engine's query."""
    store, release, rules = opened()
    prepared = rules.compile(CONTEXT).prepared

    async def rows(vector: NDArray[np.float32], limit: int) -> list[int]:
        ranked = await store.nearest(release.id, vector, using="text", where=prepared, limit=limit, plan=PLAN)
        return ranked.rows

    return _floor(release, rows)


def build_floor_by_plan() -> Litestar:
    """The same, by the plan that the product goes by, each query by itself."""
    store, release, rules = opened()
    ask = by_plan(store, release, rules)

    async def rows(vector: NDArray[np.float32], limit: int) -> list[int]:
        return (await ask(vector, limit)).rows

    return _floor(release, rows)


def by_plan(
    store: EdgeStore, release: Release, rules: HardRules
) -> Callable[[NDArray[np.float32], int], Awaitable[Ranked]]:
    """The query alone by the plan of the release: the engine's, or one scan of the columns."""
    compiled = rules.compile(CONTEXT)
    plan = plan_table(Path(os.environ[FOLDER]), release.id, rules.version).plan_for(compiled, "text")
    scan = ColumnScan(release.columns, release.fields)

    async def ask(vector: NDArray[np.float32], limit: int) -> Ranked:
        if isinstance(plan, str):
            return scan.nearest(vector, using="text", compiled=compiled, limit=limit, narrowly=plan == NARROW)
        return await store.nearest(release.id, vector, using="text", where=compiled.prepared, limit=limit, plan=plan)

    return ask


def _floor(release: Release, rows: Callable[[NDArray[np.float32], int], Awaitable[list[int]]]) -> Litestar:
    next_seed, next_listener = vectors_of("similar", release), vectors_of("recommend", release)
    payloads = map(release.columns.payload, range(len(release.columns)))
    # As the product's own answers hold them at run time: JSON, typed as what it stands for.
    hits = cast("list[Hit]", [msgspec.Raw(msgspec.json.encode(hit_of(payload, 0.5))) for payload in payloads])

    @post("/v1/similar", status_code=200, request_class=BodyRequest)
    async def similar(data: JSONBody[SkipValidation[SimilarRequest]]) -> JsonAnswer[Answer]:
        found = await rows(next_seed(), data.limit)
        return JsonAnswer(Answer([hits[row] for row in found], release.id, 0))

    @post("/v1/recommend", status_code=200, request_class=BodyRequest)
    async def recommend(data: JSONBody[SkipValidation[RecommendRequest]]) -> JsonAnswer[Answer]:
        found = await rows(next_listener(), data.limit)
        return JsonAnswer(Answer([hits[row] for row in found], release.id, 0))

    return Litestar([similar, recommend], openapi_config=None, logging_config=None)
