"""The same queries in this process, without HTTP: the product's, and raw ones that find the rows and do no more."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import msgspec

from benchmarks.floor.apps import PLAN, by_plan, vectors_of
from benchmarks.harness.asking import asks
from benchmarks.harness.opened_world import CONTEXT, LIMIT, opened, parts_of_world
from indexing.doctor.trial import SCORE_TOLERANCE
from indexing.release.release import Release
from indexing.rules.compiled import HardRules
from indexing.search.column_scan import ColumnScan, NearestQuery
from indexing.stores.edge import EdgeStore
from service.dependencies import Dependencies
from service.schemas.requests import RecommendRequest, SimilarRequest

SIDES = ("product", "raw, the engine", "raw, by plan")
_K, _NUM_RECALLED = 10, 200
_REQUESTS: dict[str, type[SimilarRequest] | type[RecommendRequest]] = {
    "similar": SimilarRequest,
    "recommend": RecommendRequest,
}

Asked = Callable[[int], Awaitable[object]]


def rates_in_process(query: str, bodies: list[bytes], rounds: int) -> tuple[dict[str, list[float]], float]:
    """Queries a second of each side, round by round, and recall@10 of the raw engine's query, ties found.

    A raw `recommend` runs the query tower's forward too.
    """
    return asyncio.run(_measured(query, bodies, rounds, parts_of_world(), opened()))


async def _measured(
    query: str, bodies: list[bytes], rounds: int, parts: Dependencies, world: tuple[EdgeStore, Release, HardRules]
) -> tuple[dict[str, list[float]], float]:
    await parts.store.open(parts.live.release.id)
    requests = [msgspec.json.decode(body, type=_REQUESTS[query]) for body in bodies]
    ask = asks(parts, parts.live)

    async def product(number: int) -> object:
        return msgspec.json.encode(await ask(requests[number]))

    store, release, rules = world
    await store.open(release.id)
    compiled, next_vector = rules.compile(CONTEXT), vectors_of(query, release)
    ask_by_plan = by_plan(store, release, rules)

    async def engine(_: int) -> object:
        return await store.nearest(
            release.id, next_vector(), using="text", where=compiled.prepared, limit=LIMIT, params=PLAN
        )

    async def raw_by_plan(_: int) -> object:
        return await ask_by_plan(next_vector(), LIMIT)

    sides: dict[str, Asked] = dict(zip(SIDES, (product, engine, raw_by_plan), strict=True))
    rates: dict[str, list[float]] = {side: [] for side in sides}
    for number in range(rounds + 1):
        for side, asked in sides.items():
            start = time.perf_counter()
            for place in range(len(requests)):
                await asked(place)
            # The first round is to get warm.
            if number:
                rates[side].append(len(requests) / (time.perf_counter() - start))
    scan, found, num_asked = ColumnScan(release.columns, release.fields), 0, min(_NUM_RECALLED, len(requests))
    for _ in range(num_asked):
        vector = next_vector()
        least = scan.nearest(NearestQuery(vector, "text", compiled, _K)).scores[-1] - SCORE_TOLERANCE
        answer = await store.nearest(
            release.id, vector, using="text", where=compiled.prepared, limit=LIMIT, params=PLAN
        )
        found += sum(score >= least for score in answer.scores[:_K])
    return rates, found / (_K * num_asked)
