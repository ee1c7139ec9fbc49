"""A collection is built on a server: its spread, what is tried again, and how long its copies are waited for."""

import asyncio
from collections.abc import Iterable
from itertools import repeat
from typing import Any

import msgspec
import pytest
from grpc import StatusCode  # type: ignore[import-untyped]
from qdrant_client import models

from indexing.errors import StoreError
from indexing.settings import IndexingSettings
from indexing.stores.server_retries import Patience
from indexing.stores.sharding import Sharding, sharding_of
from tests.indexing.made_points import PAYLOADS, SCHEMA, points_of
from tests.indexing.over_grpc import OverGrpc
from tests.indexing.stores.scripted_server import PATIENT, Scripted, rpc_error, store_on


@pytest.fixture
def server() -> Scripted:
    return Scripted()


def copy(node: int, status: str | None = "green", num: int = 4, state: str = "Active") -> Any:
    """A copy on a node, as a cluster tells of it; a node that does not answer has no status."""
    told = None if status is None else models.ShardStatus(status)
    return models.DistributedReplicaTelemetry(
        peer_id=node, state=models.ReplicaState(state), status=told, num_points=None if status is None else num
    )


ALIKE = [copy(1), copy(2)]


def optimise(server: Scripted, looks: Iterable[list[Any]], patience: Patience = PATIENT) -> None:
    async def run() -> None:
        store = store_on(server, patience=patience)
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
        optimise(server, repeat([copy(1, "yellow")]), patience=Patience(optimise_s=0.2))


def test_copies_that_stay_unlike_are_named(server: Scripted) -> None:
    words = r"not done after 0 s: shard 0 on node 1: .*4 points; shard 0 on node 2: .*3 points"
    with pytest.raises(StoreError, match=words):
        optimise(server, repeat([copy(1), copy(2, num=3)]), patience=Patience(optimise_s=0.2))


def test_a_node_that_stays_away_is_named(server: Scripted) -> None:
    words = r"copies were away for 0 s: shard 0 on node 2: Active, its node does not answer\. Start those nodes"
    with pytest.raises(StoreError, match=words):
        optimise(server, repeat([copy(1), copy(2, None)]), patience=Patience(writes_s=0.2))


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


def test_a_node_that_has_not_heard_of_a_collection_yet_is_asked_again(server: Scripted) -> None:
    async def run() -> None:
        store = store_on(server)
        unheard = rpc_error(StatusCode.NOT_FOUND, "Collection `near.r1` doesn't exist!")
        server.before = {"index": [unheard], "upsert": [unheard]}
        await store.create("r1", SCHEMA)
        await store.upsert("r1", points_of(PAYLOADS))
        assert await store.count("r1") == 4

    asyncio.run(run())


def test_what_will_not_pass_is_tried_once(server: Scripted) -> None:
    async def run() -> None:
        store = store_on(server)
        await store.create("r1", SCHEMA)
        server.before = {"upsert": [REFUSED]}
        with pytest.raises(StoreError, match=r"PERMISSION_DENIED: read only\..* the setting qdrant_api_key"):
            await store.upsert("r1", points_of(PAYLOADS))
        assert server.num_calls["upsert"] == 1

    asyncio.run(run())


def test_a_write_that_stays_out_ends_the_build_and_says_so(server: Scripted, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        store = store_on(server, patience=Patience(writes_s=0.5))
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
