"""The applications that `benchmarks.floor` compares: the product, and the least that could answer the same queries.

The floor has the same server, framework, request and response types, and makes the same engine query: vector, filter
built beforehand, plan, limit, no payload. Its hits come from a list in memory, as JSON already. It compiles no
rules, looks up no seed and re-checks nothing. For `recommend` it runs the query tower's forward over a user's history.
"""

import os
from collections.abc import Awaitable, Callable
from itertools import cycle
from pathlib import Path
from typing import cast

import msgspec
import numpy as np
from litestar import Litestar, post
from litestar.params import JSONBody, SkipValidation
from numpy.typing import NDArray

from benchmarks.harness.opened_world import CONTEXT, FOLDER, opened, parts_of_world, planted_tower
from indexing.release.release import Release
from indexing.rules.compiled import HardRules
from indexing.search.column_scan import ColumnScan, NearestQuery
from indexing.search.plan import Collection, Nearest
from indexing.search.plans_file import plan_table
from indexing.stores.contract import Ranked, SearchParams
from indexing.stores.edge import EdgeStore
from service.api.request_body import BodyRequest
from service.app import create_app
from service.schemas.answers import Answer, Hit, JsonAnswer, hit_of
from service.schemas.requests import RecommendRequest, SimilarRequest

# The engine's cheapest for this context, which passes 53 % (docs/log.md); the product goes by the plans of its release.
PLAN = SearchParams(ef=128)


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


def build_floor() -> Litestar:
    """The floor's application over the same world: the engine's query."""
    store, release, rules = opened()
    prepared = rules.compile(CONTEXT).prepared

    async def rows(vector: NDArray[np.float32], limit: int) -> list[int]:
        ranked = await store.nearest(release.id, vector, using="text", where=prepared, limit=limit, params=PLAN)
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
) -> Callable[[NDArray[np.float32], int], Awaitable[Nearest]]:
    """The query alone by the plan of the release: the engine's, or one scan of the columns."""
    compiled = rules.compile(CONTEXT)
    plan = plan_table(Path(os.environ[FOLDER]), release.id, rules.version).plan_for(compiled, "text")
    scan = ColumnScan(release.columns, release.fields)

    async def scanned(query: NearestQuery) -> Ranked:
        return scan.nearest(query)

    collection = Collection(release.id, store, scan, scanned)

    async def ask(vector: NDArray[np.float32], limit: int) -> Nearest:
        return await plan.nearest(NearestQuery(vector, "text", compiled, limit), collection)

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
