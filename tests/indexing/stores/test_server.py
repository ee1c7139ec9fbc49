"""What only the server implementation has: names under a prefix, errors by transport, waiting for the optimiser."""

import asyncio
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from itertools import repeat
from typing import Any, TypeVar

import msgspec
import pytest
from grpc import StatusCode  # type: ignore[import-untyped]
from grpc.aio import AioRpcError, Metadata  # type: ignore[import-untyped]
from httpx import ConnectError, Headers
from qdrant_client import AsyncQdrantClient, models
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from indexing.errors import CollectionMissingError, StoreError
from indexing.journal.records import TakenDown
from indexing.journal.server_log import ServerLog
from indexing.settings import IndexingSettings
from indexing.stores.edge import EdgeStore
from indexing.stores.open import open_store
from indexing.stores.server import ServerStore
from indexing.stores.server_connection import open_server
from indexing.stores.server_retries import Patience
from indexing.stores.sharding import Sharding, sharding_of
from tests.indexing.made_points import PAYLOADS, SCHEMA, points_of
from tests.indexing.over_grpc import OverGrpc, memory_client

T = TypeVar("T")


def rpc_error(code: StatusCode, details: str) -> AioRpcError:
    return AioRpcError(code, Metadata(), Metadata(), details=details)


def response(status: int, reason: str) -> UnexpectedResponse:
    return UnexpectedResponse(status, reason, b"{}", Headers())


class Scripted(OverGrpc):
    """Memory mode with some answers that only a server under way or in trouble gives."""

    def __init__(self) -> None:
        super().__init__(location=":memory:")
        self.looks: Iterator[list[models.DistributedReplicaTelemetry]] | None = None
        self.optimiser: Any = models.OptimizersStatusOneOf.OK
        self.error: Exception | None = None
        self.num_nudges = 0
        # What the next calls of a name raise, in place of an answer or after the work was done.
        self.before: dict[str, list[Exception]] = {}
        self.after: dict[str, list[Exception]] = {}
        self.num_calls: Counter[str] = Counter()

    async def get_collection(self, *args: Any, **kwargs: Any) -> models.CollectionInfo:
        found = await super().get_collection(*args, **kwargs)
        return found.model_copy(update={"optimizer_status": self.optimiser})

    async def cluster_telemetry(self, **kwargs: Any) -> models.DistributedTelemetryData:
        if self.looks is None:
            return await super().cluster_telemetry(**kwargs)
        shards = [models.DistributedShardTelemetry(id=0, replicas=next(self.looks))]
        collections = {"near.c": models.DistributedCollectionTelemetry(id="near.c", shards=shards)}
        cluster = models.DistributedClusterTelemetry(enabled=True, peers={})
        return models.DistributedTelemetryData(collections=collections, cluster=cluster)

    async def count(self, collection_name: str, *args: Any, **kwargs: Any) -> models.CountResult:
        if self.error is not None:
            raise self.error
        return await super().count(collection_name, *args, **kwargs)

    async def update_collection(self, *_: Any, **__: Any) -> bool:
        self.num_nudges += 1
        return True

    async def create_collection(self, *args: Any, **kwargs: Any) -> bool:  # type: ignore[override]
        return await self._troubled("create", lambda: super(Scripted, self).create_collection(*args, **kwargs))

    async def create_payload_index(self, *args: Any, **kwargs: Any) -> models.UpdateResult:  # type: ignore[override]
        return await self._troubled("index", lambda: super(Scripted, self).create_payload_index(*args, **kwargs))

    async def delete_collection(self, *args: Any, **kwargs: Any) -> bool:
        return await self._troubled("drop", lambda: super(Scripted, self).delete_collection(*args, **kwargs))

    async def upsert(self, *args: Any, **kwargs: Any) -> models.UpdateResult:  # type: ignore[override]
        return await self._troubled("upsert", lambda: super(Scripted, self).upsert(*args, **kwargs))

    async def _troubled(self, call: str, work: Callable[[], Awaitable[T]]) -> T:
        self.num_calls[call] += 1
        if errors := self.before.get(call):
            raise errors.pop()
        done = await work()
        if errors := self.after.get(call):
            raise errors.pop()
        return done


@pytest.fixture
def server() -> Scripted:
    return Scripted()


def store_on(server: Scripted, sharding: Sharding | None = None, **patience: float) -> ServerStore:
    client = memory_client()
    client._client = server
    waits = Patience(**({"calls_s": 5.0, "writes_s": 5.0, "optimise_s": 60.0} | patience))
    return ServerStore(client, "near", sharding=sharding, patience=waits)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (rpc_error(StatusCode.NOT_FOUND, "no such"), CollectionMissingError, "NOT_FOUND: no such"),
        (rpc_error(StatusCode.UNAVAILABLE, "refused"), StoreError, "UNAVAILABLE: refused"),
        (rpc_error(StatusCode.DEADLINE_EXCEEDED, "late"), StoreError, "DEADLINE_EXCEEDED: late"),
        (response(404, "Not Found"), CollectionMissingError, "404"),
        (response(500, "Broken"), StoreError, r"500 \(Broken\)"),
        (ResponseHandlingException(ConnectError("no route")), StoreError, "no route"),
        (ResourceExhaustedResponse("slow down", 3), StoreError, "slow down"),
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


def copy(node: int, status: str | None = "green", num: int = 4, state: str = "Active") -> Any:
    """A copy on a node, as a cluster tells of it; a node that does not answer has no status."""
    told = None if status is None else models.ShardStatus(status)
    return models.DistributedReplicaTelemetry(
        peer_id=node, state=models.ReplicaState(state), status=told, num_points=None if status is None else num
    )


ALIKE = [copy(1), copy(2)]


def optimise(server: Scripted, looks: Iterable[list[Any]], **patience: float) -> None:
    async def run() -> None:
        store = store_on(server, **patience)
        await store.create("c", SCHEMA)
        server.looks = iter(looks)
        await store.optimise("c")

    asyncio.run(run())


def test_optimising_waits_until_every_copy_is_idle(server: Scripted) -> None:
    looks = [
        ALIKE,
        [copy(1), copy(2, "yellow")],
        [copy(1), copy(2, "grey")],
        [copy(1), copy(2, num=3)],
        [copy(1), copy(2, None)],
        [copy(1), copy(2, state="Partial")],
        ALIKE,
        ALIKE,
    ]
    unread = iter(looks)
    optimise(server, unread)
    assert next(unread, None) is None
    # Work planned and not begun was set going, once.
    assert server.num_nudges == 1


def test_optimising_that_failed_says_why(server: Scripted) -> None:
    server.optimiser = models.OptimizersStatusOneOf1(error="disk full")
    with pytest.raises(StoreError, match=r"the server's optimiser failed: .*disk full"):
        optimise(server, [ALIKE])


def test_a_copy_whose_optimiser_failed_is_named(server: Scripted) -> None:
    with pytest.raises(StoreError, match=r"optimiser failed: shard 0 on node 2: Active, red, 4 points"):
        optimise(server, [[copy(1), copy(2, "red")]])


def test_optimising_gives_up_in_the_end(server: Scripted) -> None:
    words = r"not done after 0 s: shard 0 on node 1: Active, yellow, 4 points\. Look at the server's load"
    with pytest.raises(StoreError, match=words):
        optimise(server, repeat([copy(1, "yellow")]), optimise_s=0.2)


def test_copies_that_stay_unlike_are_named(server: Scripted) -> None:
    words = r"not done after 0 s: shard 0 on node 1: .*4 points; shard 0 on node 2: .*3 points"
    with pytest.raises(StoreError, match=words):
        optimise(server, repeat([copy(1), copy(2, num=3)]), optimise_s=0.2)


def test_a_node_that_stays_away_is_named(server: Scripted) -> None:
    words = r"copies were away for 0 s: shard 0 on node 2: Active, its node does not answer\. Start those nodes"
    with pytest.raises(StoreError, match=words):
        optimise(server, repeat([copy(1), copy(2, None)]), writes_s=0.2)


def test_a_cluster_with_too_few_nodes_for_the_copies_is_refused_before_a_row_is_written(server: Scripted) -> None:
    server.looks = iter([[copy(1)]])
    words = r"expected 2 copies of each shard \(qdrant_replicas\), shard 0 has 1\. Add nodes"
    with pytest.raises(StoreError, match=words):
        asyncio.run(store_on(server, Sharding(replicas=2)).create("c", SCHEMA))


LATE = rpc_error(StatusCode.DEADLINE_EXCEEDED, "no leader")
REFUSED = rpc_error(StatusCode.PERMISSION_DENIED, "read only")


def test_what_a_dead_leader_took_with_it_is_tried_again(server: Scripted) -> None:
    async def run() -> None:
        store = store_on(server)
        server.before = {"create": [LATE], "index": [LATE], "upsert": [LATE], "drop": [LATE]}
        await store.create("r1", SCHEMA)
        await store.upsert("r1", points_of(PAYLOADS))
        assert await store.count("r1") == 4
        await store.drop("r1")
        assert await store.collections() == []
        assert server.num_calls["create"] == server.num_calls["upsert"] == server.num_calls["drop"] == 2

    asyncio.run(run())


def test_what_a_dead_leader_had_passed_on_is_recognised(server: Scripted) -> None:
    async def run() -> None:
        store = store_on(server)
        server.after = {"create": [LATE], "index": [LATE], "upsert": [LATE], "drop": [LATE]}
        await store.create("r1", SCHEMA)
        await store.upsert("r1", points_of(PAYLOADS))
        assert await store.count("r1") == 4
        await store.drop("r1")
        assert await store.collections() == []
        # It was there: nothing was made twice.
        assert server.num_calls["create"] == 1

    asyncio.run(run())


def test_a_collection_that_someone_else_made_meanwhile_is_not_taken_over(server: Scripted) -> None:
    async def run() -> None:
        store = store_on(server)
        server.before = {"create": [LATE]}
        making = asyncio.create_task(store.create("r1", SCHEMA))
        while not server.num_calls["create"]:
            await asyncio.sleep(0)
        await OverGrpc.create_collection(server, "near.r1", vectors_config={}, metadata={"attempt": "another"})
        with pytest.raises(StoreError, match="already exists"):
            await making

    asyncio.run(run())


def test_what_will_not_pass_is_tried_once(server: Scripted) -> None:
    async def run() -> None:
        store = store_on(server)
        await store.create("r1", SCHEMA)
        server.before = {"upsert": [REFUSED]}
        with pytest.raises(StoreError, match=r"PERMISSION_DENIED: read only$"):
            await store.upsert("r1", points_of(PAYLOADS))
        assert server.num_calls["upsert"] == 1

    asyncio.run(run())


def test_a_write_that_stays_out_ends_the_build_and_says_so(server: Scripted, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        store = store_on(server, writes_s=0.5)
        await store.create("r1", SCHEMA)
        server.before = {"upsert": [rpc_error(StatusCode.INTERNAL, "1 of 2 copies")] * 99}
        words = r"'r1': INTERNAL: 1 of 2 copies\. It was tried again for 0 s: see that every node"
        with pytest.raises(StoreError, match=words):
            await store.upsert("r1", points_of(PAYLOADS))
        assert server.num_calls["upsert"] > 1

    asyncio.run(run())
    # One line an incident, however many tries.
    assert [record.getMessage() for record in caplog.records] == [
        "could not write to collection 'r1': INTERNAL: 1 of 2 copies; trying again for up to 0 s"
    ]


def test_a_collection_is_spread_as_the_settings_say(server: Scripted) -> None:
    settings = IndexingSettings(qdrant_shards=6, qdrant_replicas=3)
    store = store_on(server, sharding=sharding_of(settings))

    asyncio.run(store.create("r1", SCHEMA))

    sent = server.created["near.r1"]
    # A write waits for all copies.
    assert (sent.shard_number, sent.replication_factor, sent.write_consistency_factor) == (6, 3, 3)


def test_the_journal_has_as_many_copies_in_one_shard(server: Scripted) -> None:
    store = store_on(server, sharding=Sharding(shards=6, replicas=3))

    assert asyncio.run(ServerLog.beside(store).append([TakenDown("a")])) == 1

    sent = server.created["near-journal"]
    assert (sent.shard_number, sent.replication_factor) == (1, 3)


def test_shards_are_left_to_the_server_where_nothing_is_said(server: Scripted) -> None:
    asyncio.run(store_on(server, sharding=sharding_of(IndexingSettings())).create("r1", SCHEMA))

    sent = server.created["near.r1"]
    assert not sent.HasField("shard_number")
    assert (sent.replication_factor, sent.write_consistency_factor) == (1, 1)


@pytest.mark.parametrize("name", ["qdrant_shards", "qdrant_replicas"])
@pytest.mark.parametrize("value", [0, -1, 5_000, 1.5])
def test_a_spread_that_makes_no_sense_is_refused_by_type(name: str, value: float) -> None:
    with pytest.raises(msgspec.ValidationError, match=rf"int.*{name}"):
        msgspec.convert({name: value}, IndexingSettings, dec_hook=lambda wanted, given: wanted(given))


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
