"""Plans that need the engine: the product's queries beside the same calls of a bare client, in this process."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray
from qdrant_client import AsyncQdrantClient, models

from benchmarks.floor.serving import body_of
from benchmarks.harness.asking import asks
from benchmarks.harness.servers import Servers
from benchmarks.harness.wrk import CONNECTIONS
from benchmarks.over_servers.sides import Side
from indexing.stores.contract import Ranked, SearchParams, VectorStore
from service.dependencies import Dependencies
from service.main import open_dependencies
from service.schemas.requests import Query, RecommendRequest, SimilarRequest

_REQUESTS: dict[str, type[SimilarRequest] | type[RecommendRequest]] = {
    "similar": SimilarRequest,
    "recommend": RecommendRequest,
}
Asked = Callable[[int], Awaitable[object]]


class Beside(Struct, frozen=True):
    """Queries a second of the product and calls a second of a bare client, by round; the product's calls a query."""

    query: str
    product: list[float]
    bare: list[float]
    calls_a_query: float


class Sent(Struct, frozen=True):
    """What the product asked of the engine for one query, first of all."""

    vector: list[float]
    using: str
    where: Any
    limit: int
    params: SearchParams


def measure(side: Side, servers: Servers, query: str, numbers: Sequence[int], rounds: int) -> Beside:
    """Product and bare client in turns, each first in every second round, in one event loop."""
    parts = open_dependencies(side.settings)
    requests = [msgspec.json.decode(body_of(query, number), type=_REQUESTS[query]) for number in numbers]

    async def measured() -> Beside:
        await parts.store.open(side.release)
        # A worker has been told the time before it answers.
        await parts.state.now()
        ask = asks(parts, parts.live)

        async def product(number: int) -> object:
            return msgspec.json.encode(await ask(requests[number]))

        client = AsyncQdrantClient(
            url=servers.qdrant_url, grpc_port=servers.grpc_port, prefer_grpc=True, check_compatibility=False
        )
        try:
            sent = await _first_calls(parts, requests)
            bare = _bare(client, f"{side.settings.qdrant_prefix}.{side.release}", sent)
            return await _in_turns(query, (product, bare), len(requests), servers, rounds)
        finally:
            await client.close()
            await parts.store.close()
            await parts.state.close()

    return asyncio.run(measured())


async def _first_calls(parts: Dependencies, requests: Sequence[Query]) -> list[Sent]:
    """What is asked of the engine for each request, as its store is asked."""
    recording = _Recording(parts.store)
    ask = asks(replace(parts, store=cast("VectorStore", recording)), parts.live)
    first = []
    for request in requests:
        recording.sent.clear()
        await ask(request)
        first.append(recording.sent[0])
    return first


class _Recording:
    """A store that notes what it is asked for."""

    def __init__(self, store: VectorStore) -> None:
        self._store = store
        self.sent: list[Sent] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def nearest(
        self, collection: str, vector: NDArray[np.float32], *, using: str, where: Any, limit: int, params: SearchParams
    ) -> Ranked:
        self.sent.append(Sent(vector.tolist(), using, where, limit, params))
        return await self._store.nearest(collection, vector, using=using, where=where, limit=limit, params=params)


def _bare(client: AsyncQdrantClient, collection: str, sent: Sequence[Sent]) -> Asked:
    async def bare(number: int) -> object:
        one = sent[number]
        return await client.query_points(
            collection,
            query=one.vector,
            using=one.using,
            query_filter=one.where,
            search_params=models.SearchParams(hnsw_ef=one.params.ef),
            limit=one.limit,
            with_payload=False,
        )

    return bare


async def _in_turns(query: str, sides: tuple[Asked, Asked], num_requests: int, servers: Servers, rounds: int) -> Beside:
    rates: tuple[list[float], list[float]] = ([], [])
    calls_before = servers.num_calls()
    await _asked(sides[0], num_requests)
    calls = servers.num_calls() - calls_before
    await _asked(sides[1], num_requests)
    for number in range(rounds):
        for place in (0, 1) if number % 2 else (1, 0):
            began = time.perf_counter()
            await _asked(sides[place], num_requests)
            rates[place].append(num_requests / (time.perf_counter() - began))
    return Beside(query, *rates, calls / num_requests)


async def _asked(ask: Asked, num_requests: int) -> None:
    """Every request once, as many at the same time as there are connections over HTTP."""
    places = iter(range(num_requests))

    async def one_after_another() -> None:
        for place in places:
            await ask(place)

    async with asyncio.TaskGroup() as asking:
        for _ in range(CONNECTIONS):
            asking.create_task(one_after_another())
