"""What only the server implementation has: names under a prefix, errors by transport, waiting for the optimiser."""

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from grpc import StatusCode  # type: ignore[import-untyped]
from grpc.aio import AioRpcError, Metadata  # type: ignore[import-untyped]
from httpx import ConnectError, Headers
from qdrant_client import AsyncQdrantClient, models
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from embedding.errors import UsageError
from indexing.errors import CollectionMissingError, EngineAwayError, KeyRefusedError, StoreError
from indexing.journal.records import TakenDown
from indexing.journal.server_log import ServerLog
from indexing.settings import IndexingSettings
from indexing.stores.edge import EdgeStore
from indexing.stores.open import open_store
from indexing.stores.server import ServerStore
from indexing.stores.server_connection import open_server
from indexing.stores.sharding import Sharding, sharding_of
from tests.indexing.made_points import PAYLOADS, SCHEMA, points_of
from tests.indexing.over_grpc import OverGrpc, memory_client

if TYPE_CHECKING:
    from collections.abc import Iterator


def rpc_error(code: StatusCode, details: str) -> AioRpcError:
    return AioRpcError(code, Metadata(), Metadata(), details=details)


def response(status: int, reason: str) -> UnexpectedResponse:
    return UnexpectedResponse(status, reason, b"{}", Headers())


class Scripted(OverGrpc):
    """Memory mode with some answers that only a server under way or in trouble gives."""

    def __init__(self) -> None:
        super().__init__(location=":memory:")
        self.states: Iterator[models.CollectionInfo] = iter(())
        self.error: Exception | None = None
        self.num_nudges = 0

    async def get_collection(self, *_: Any, **__: Any) -> models.CollectionInfo:
        return next(self.states)

    async def count(self, collection_name: str, *args: Any, **kwargs: Any) -> models.CountResult:
        if self.error is not None:
            raise self.error
        return await super().count(collection_name, *args, **kwargs)

    async def update_collection(self, *_: Any, **__: Any) -> bool:
        self.num_nudges += 1
        return True


@pytest.fixture
def server() -> Scripted:
    return Scripted()


def store_on(server: Scripted, timeout_s: float = 60.0, sharding: Sharding | None = None) -> ServerStore:
    client = memory_client()
    client._client = server
    return ServerStore(client, "near", optimise_timeout_s=timeout_s, sharding=sharding)


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


def info(status: models.CollectionStatus, optimiser: Any = models.OptimizersStatusOneOf.OK) -> models.CollectionInfo:
    params = models.CollectionParams()
    hnsw = models.HnswConfig(m=16, ef_construct=100, full_scan_threshold=1)
    optimisers = models.OptimizersConfig(
        deleted_threshold=0.2, vacuum_min_vector_number=1, default_segment_number=1, flush_interval_sec=1
    )
    config = models.CollectionConfig(params=params, hnsw_config=hnsw, optimizer_config=optimisers)
    return models.CollectionInfo(
        status=status, optimizer_status=optimiser, segments_count=1, config=config, payload_schema={}
    )


GREEN, YELLOW, GREY, RED = (info(models.CollectionStatus(colour)) for colour in ("green", "yellow", "grey", "red"))


def test_optimising_waits_until_the_server_is_idle(server: Scripted) -> None:
    states = [GREEN, YELLOW, GREY, GREEN, GREEN]
    server.states = iter(states)
    asyncio.run(store_on(server).optimise("c"))
    assert next(server.states, None) is None
    # Work planned and not begun was set going, once.
    assert server.num_nudges == 1


def test_optimising_that_failed_says_why(server: Scripted) -> None:
    server.states = iter([info(models.CollectionStatus.YELLOW, models.OptimizersStatusOneOf1(error="disk full"))])
    with pytest.raises(StoreError, match=r"the server's optimiser failed: .*disk full"):
        asyncio.run(store_on(server).optimise("c"))
    server.states = iter([RED])
    with pytest.raises(StoreError, match="optimiser failed"):
        asyncio.run(store_on(server).optimise("c"))


def test_optimising_gives_up_in_the_end(server: Scripted) -> None:
    server.states = iter([YELLOW] * 1_000)
    with pytest.raises(StoreError, match="'c' is still yellow after 0 s: look at the server's load"):
        asyncio.run(store_on(server, timeout_s=0.2).optimise("c"))


def test_a_collection_is_spread_as_the_settings_say(server: Scripted) -> None:
    settings = IndexingSettings(qdrant_shards=6, qdrant_replicas=3, qdrant_write_consistency=2)
    store = store_on(server, sharding=sharding_of(settings))

    asyncio.run(store.create("r1", SCHEMA))

    sent = server.created["near.r1"]
    assert (sent.shard_number, sent.replication_factor, sent.write_consistency_factor) == (6, 3, 2)


def test_the_journal_has_as_many_copies_in_one_shard(server: Scripted) -> None:
    store = store_on(server, sharding=Sharding(shards=6, replicas=3, write_consistency=2))

    assert asyncio.run(ServerLog.beside(store).append([TakenDown("a")])) == 1

    sent = server.created["near-journal"]
    assert (sent.shard_number, sent.replication_factor, sent.write_consistency_factor) == (1, 3, 2)


def test_shards_are_left_to_the_server_where_nothing_is_said(server: Scripted) -> None:
    asyncio.run(store_on(server, sharding=sharding_of(IndexingSettings())).create("r1", SCHEMA))

    sent = server.created["near.r1"]
    assert not sent.HasField("shard_number")
    assert (sent.replication_factor, sent.write_consistency_factor) == (1, 1)


def test_a_write_cannot_wait_for_more_copies_than_there_are() -> None:
    settings = IndexingSettings(qdrant_url="http://127.0.0.1:6333", qdrant_replicas=2, qdrant_write_consistency=3)
    # Told before the server is asked: nothing answers there.
    with pytest.raises(UsageError, match=r"qdrant_write_consistency: expected at most qdrant_replicas \(2\), came 3"):
        open_server(settings, wait_s=0)


@pytest.mark.parametrize("name", ["qdrant_shards", "qdrant_replicas", "qdrant_write_consistency"])
@pytest.mark.parametrize("value", [0, -1, 5_000, 1.5])
def test_a_spread_that_makes_no_sense_is_refused_by_type(name: str, value: float) -> None:
    with pytest.raises(msgspec.ValidationError, match=rf"int.*{name}"):
        msgspec.convert({name: value}, IndexingSettings, dec_hook=lambda wanted, given: wanted(given))


def test_stores_of_unlike_prefixes_never_meet() -> None:
    async def run() -> None:
        client = memory_client()
        near, nearer = ServerStore(client, "near"), ServerStore(client, "near-r1")
        for store in (near, nearer):
            await store.create("r1", SCHEMA)
            await store.create("live", SCHEMA)
        await near.upsert("r1", points_of(PAYLOADS))
        await near.set_live("r1")
        assert await nearer.live() is None
        await nearer.set_live("live")
        assert await near.live() == "r1"
        assert await nearer.count("r1") == 0
        await nearer.drop("r1")
        assert await near.collections() == ["live", "r1"]
        assert await nearer.collections() == ["live"]

    asyncio.run(run())


def test_an_alias_that_someone_else_moved_is_not_followed() -> None:
    async def run() -> None:
        client = memory_client()
        await ServerStore(client, "far").create("r1", SCHEMA)
        alias = models.CreateAlias(collection_name="far.r1", alias_name="near-live")
        await client.update_collection_aliases([models.CreateAliasOperation(create_alias=alias)])
        with pytest.raises(StoreError, match=r"'near-live' should name a collection that begins with 'near\.'"):
            await ServerStore(client, "near").live()

    asyncio.run(run())


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


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
