"""What only the server implementation has: names under a prefix, errors by transport, waiting for the optimiser."""

import asyncio

import pytest
from grpc import StatusCode  # type: ignore[import-untyped]
from httpx import ConnectError, Headers
from qdrant_client import AsyncQdrantClient
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from indexing.errors import CollectionMissingError, EngineAwayError, KeyRefusedError, StoreError
from indexing.settings import IndexingSettings
from indexing.stores.edge import EdgeStore
from indexing.stores.open import open_store
from indexing.stores.server import ServerStore
from indexing.stores.server_connection import open_server
from tests.free_ports import free_port
from tests.indexing.made_points import PAYLOADS, SCHEMA, points_of
from tests.indexing.over_grpc import memory_client
from tests.indexing.stores.scripted_server import Scripted, rpc_error, store_on


def response(status: int, reason: str) -> UnexpectedResponse:
    return UnexpectedResponse(status, reason, b"{}", Headers())


@pytest.fixture
def server() -> Scripted:
    return Scripted()


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (rpc_error(StatusCode.NOT_FOUND, "no such"), CollectionMissingError, "NOT_FOUND: no such"),
        (rpc_error(StatusCode.UNAVAILABLE, "refused"), EngineAwayError, "UNAVAILABLE: refused"),
        (rpc_error(StatusCode.DEADLINE_EXCEEDED, "late"), EngineAwayError, "DEADLINE_EXCEEDED: late"),
        (rpc_error(StatusCode.INTERNAL, "no active copy"), EngineAwayError, "INTERNAL: no active copy"),
        (rpc_error(StatusCode.INVALID_ARGUMENT, "bad"), StoreError, "INVALID_ARGUMENT: bad"),
        (rpc_error(StatusCode.PERMISSION_DENIED, "read"), KeyRefusedError, "read.*the setting qdrant_api_key"),
        (response(403, "Forbidden"), KeyRefusedError, "(?s:403.*the setting qdrant_api_key)"),
        (response(404, "Not Found"), CollectionMissingError, "404"),
        (response(500, "Broken"), EngineAwayError, r"500 \(Broken\)"),
        (response(429, "Slow down"), EngineAwayError, "429"),
        (ResponseHandlingException(ConnectError("no route")), EngineAwayError, "no route"),
        (ResourceExhaustedResponse("slow down", 3), EngineAwayError, "slow down"),
        (ValueError("Collection near.c not found"), CollectionMissingError, "near.c not found"),
        (ValueError("bad shape"), StoreError, "bad shape"),
    ],
)
def test_every_error_of_the_client_becomes_one_of_ours(
    server: Scripted, error: Exception, kind: type[StoreError], words: str
) -> None:
    server.error = error
    with pytest.raises(StoreError, match=f"could not count collection 'c': .*{words}") as caught:
        asyncio.run(store_on(server).count("c"))
    assert type(caught.value) is kind
    assert caught.value.__cause__ is error


def test_a_prefix_belongs_to_one_state() -> None:
    async def run() -> None:
        client = memory_client()
        ours, theirs = (ServerStore(client, "near", state_id=state) for state in ("state-1", "state-2"))
        await ours.create("r1", SCHEMA)
        await ours.open("r1")
        for call in (theirs.create("r2", SCHEMA), theirs.open("r1"), theirs.collections(), theirs.leftovers([])):
            words = "collection near.r1 was made under state state-1, this is state state-2"
            with pytest.raises(StoreError, match=words):
                await call
        elsewhere = ServerStore(client, "far", state_id="state-2")
        await elsewhere.create("r1", SCHEMA)
        assert await ours.collections() == await elsewhere.collections() == ["r1"]

    asyncio.run(run())


def test_a_collection_without_a_mark_is_ours_and_never_a_leftover() -> None:
    async def run() -> None:
        client = memory_client()
        await client.create_collection("near.r1", vectors_config={})
        store = ServerStore(client, "near", state_id="state-1")
        await store.create("r2", SCHEMA)
        await store.open("r1")
        assert await store.collections() == ["r1", "r2"]
        assert await store.leftovers([]) == ["r2"]
        # Without a state nothing is known of whose they are.
        assert await ServerStore(client, "near").leftovers([]) == []

    asyncio.run(run())


def test_stores_of_unlike_prefixes_never_meet() -> None:
    async def run() -> None:
        client = memory_client()
        near, nearer = ServerStore(client, "near"), ServerStore(client, "near-r1")
        for store in (near, nearer):
            await store.create("r1", SCHEMA)
            await store.create("live", SCHEMA)
        await near.upsert("r1", points_of(PAYLOADS))
        assert await nearer.count("r1") == 0
        await nearer.drop("r1")
        assert await near.collections() == ["live", "r1"]
        assert await nearer.collections() == ["live"]

    asyncio.run(run())


def test_a_server_that_went_away_is_a_store_error() -> None:
    async def run() -> None:
        client = AsyncQdrantClient(
            host="127.0.0.1", grpc_port=free_port(), prefer_grpc=True, timeout=5, check_compatibility=False
        )
        store = ServerStore(client, "near")
        with pytest.raises(StoreError, match="UNAVAILABLE"):
            await store.open("c")
        await store.close()

    asyncio.run(run())


def test_a_server_that_is_not_there_is_named_with_what_to_check() -> None:
    url = f"http://127.0.0.1:{free_port() - 1}"
    with pytest.raises(StoreError, match="UNAVAILABLE") as caught:
        open_server(IndexingSettings(qdrant_url=url), wait_s=0)
    for words in (url, "docker compose up", "qdrant_url", "qdrant_api_key", "embedded store"):
        assert words in str(caught.value)


@pytest.mark.parametrize("url", ["localhost:6333", "grpc://host", "http://", "http://host:70000"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="qdrant_url should look like http://host:6333"):
        open_store(IndexingSettings(qdrant_url=url))


def test_without_an_address_the_store_is_embedded() -> None:
    assert isinstance(open_store(IndexingSettings()), EdgeStore)
