"""Nodes of a real cluster are killed and stopped while a collection is built: three nodes, two copies of each shard."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from qdrant_client import AsyncQdrantClient

from indexing.errors import StoreError, VerificationError
from indexing.stores.contract import CollectionSchema, PointBatch
from indexing.stores.server import ServerStore
from indexing.stores.server_copies import Copy, copies_of
from indexing.stores.server_retries import Patience
from indexing.stores.sharding import Sharding
from tests.indexing.kinds_of_store import GRAPH_AT_ONCE, STATE_ID, client_of
from tests.indexing.made_points import PAYLOADS, unit_vectors
from tests.qdrant_cluster import QdrantCluster, needs_qdrant_binary, running_cluster

pytestmark = needs_qdrant_binary

PREFIX, NAME = "test", "r1"
SCHEMA = CollectionSchema({"tower": 16})
NUM, BATCH = 6_000, 250
ALL_ROWS = range(NUM)
VECTORS = unit_vectors(NUM, 16)


@pytest.fixture
def cluster() -> Iterator[QdrantCluster]:
    with running_cluster(3) as nodes:
        yield nodes


@asynccontextmanager
async def store_at(cluster: QdrantCluster, node: int, patience: Patience | None = None) -> AsyncIterator[ServerStore]:
    """A store that speaks to one node."""
    sharding = Sharding(shards=3, replicas=2)
    client = client_of(cluster.urls[node])
    store = ServerStore(client, PREFIX, GRAPH_AT_ONCE, sharding, STATE_ID, patience)
    try:
        yield store
    finally:
        await store.close()


def points(rows: range, payload: int = 0) -> PointBatch:
    """Rows with their vectors, and with payloads that begin with this one."""
    payloads = [PAYLOADS[(row + payload) % len(PAYLOADS)] for row in rows]
    return PointBatch(rows, {"tower": VECTORS[rows.start : rows.stop]}, payloads)


async def write(store: ServerStore, rows: range = ALL_ROWS) -> None:
    for start in range(rows.start, rows.stop, BATCH):
        await store.upsert(NAME, points(range(start, min(start + BATCH, rows.stop))))


async def finish(store: ServerStore) -> None:
    await store.optimise(NAME)
    await store.verify(NAME, NUM, points(range(1_000)))
    assert await store.count(NAME) == NUM


async def copies(client: AsyncQdrantClient) -> list[Copy]:
    return await copies_of(client, f"{PREFIX}.{NAME}", "look")


async def node_with_a_copy(cluster: QdrantCluster, client: AsyncQdrantClient, *, but: int) -> int:
    """A node, other than `but`, that has a copy of a shard."""
    nodes = {cluster.node_of(copy.node) for copy in await copies(client)} - {but}
    return min(nodes)


async def while_away(
    cluster: QdrantCluster, node: int, work: Callable[[], Awaitable[None]], away_s: float = 4.0
) -> None:
    """Begin some work once a node is killed, and start the node again after a while."""
    cluster.kill(node)
    working = asyncio.ensure_future(work())
    await asyncio.sleep(away_s)
    assert not working.done(), "it did not wait for the node"
    await asyncio.to_thread(cluster.restart, node)
    await working


@pytest.mark.parametrize("asked", [False, True], ids=["another node", "the node that is asked"])
def test_writes_wait_for_a_killed_node_and_are_on_every_copy_when_it_is_back(
    cluster: QdrantCluster, asked: bool
) -> None:
    async def run() -> None:
        async with store_at(cluster, 0) as store:
            await store.create(NAME, SCHEMA)
            await write(store, range(2_000))
            node = 0 if asked else await node_with_a_copy(cluster, store.client, but=0)
            await while_away(cluster, node, lambda: write(store, range(2_000, NUM)))
            await finish(store)
            counts = {(copy.shard, copy.num_points) for copy in await copies(store.client)}
            assert len(counts) == 3
            assert sum(num or 0 for _, num in counts) == NUM

    asyncio.run(run())


def test_a_build_ends_with_a_node_that_does_not_come_back(cluster: QdrantCluster) -> None:
    async def run() -> None:
        async with store_at(cluster, 0, Patience(writes_s=3)) as store:
            await store.create(NAME, SCHEMA)
            cluster.kill(await node_with_a_copy(cluster, store.client, but=0))
            with pytest.raises(StoreError, match=r"write to collection 'r1': .*tried again for 3 s: see that every"):
                await write(store)

    asyncio.run(run())


@pytest.mark.parametrize("call", ["create", "drop"])
def test_a_call_that_loses_raft_s_leader_is_done_by_the_next_one(cluster: QdrantCluster, call: str) -> None:
    async def run() -> None:
        leader = cluster.leader()
        async with store_at(cluster, (leader + 1) % 3) as store:
            await store.create("r0", SCHEMA)
            if call == "drop":
                cluster.kill(leader)
                await store.drop("r0")
                assert await store.collections() == []
            else:
                # Its copies are on the living nodes and on the one that will come back.
                await while_away(cluster, leader, lambda: store.create(NAME, SCHEMA))
                await write(store)
                await finish(store)

    asyncio.run(run())


def test_optimising_waits_for_a_copy_whose_node_hangs(cluster: QdrantCluster) -> None:
    async def run() -> None:
        async with store_at(cluster, 0) as store:
            await store.create(NAME, SCHEMA)
            await write(store)
            node = await node_with_a_copy(cluster, store.client, but=0)
            cluster.stop(node)
            finishing = asyncio.ensure_future(finish(store))
            await asyncio.sleep(8)
            assert not finishing.done()
            cluster.cont(node)
            await finishing

    asyncio.run(run())


async def written_without(cluster: QdrantCluster, store: ServerStore, batch: PointBatch) -> None:
    """Write a batch that a node with a copy of each row's shard does not get: it stays away meanwhile."""
    node = await node_with_a_copy(cluster, store.client, but=0)
    cluster.kill(node)
    async with store_at(cluster, 0, Patience(writes_s=0)) as hasty:
        with pytest.raises(StoreError):
            await hasty.upsert(NAME, batch)
    cluster.restart(node)


def test_what_is_optimised_is_never_given_up_however_little_time_there_is(cluster: QdrantCluster) -> None:
    """As on a machine with much to do, where a look takes long."""

    async def run() -> None:
        async with store_at(cluster, 0) as store:
            await store.create(NAME, SCHEMA)
            await write(store, range(200))
            await store.optimise(NAME)
        async with store_at(cluster, 0, Patience(optimise_s=0)) as hurried:
            await hurried.optimise(NAME)

    asyncio.run(run())


def test_copies_that_do_not_hold_as_much_are_never_taken_for_optimised(cluster: QdrantCluster) -> None:
    async def run() -> None:
        async with store_at(cluster, 0, Patience(optimise_s=5)) as store:
            await store.create(NAME, SCHEMA)
            await write(store, range(2_000))
            await written_without(cluster, store, points(range(2_000, 2_200)))
            with pytest.raises(StoreError, match=r"not done after 5 s: shard \d on node \d+: Active, green, [\d,]+ po"):
                await store.optimise(NAME)
            with pytest.raises(VerificationError, match="copies of collection 'r1' differ: shard"):
                await store.verify(NAME, 2_200, points(range(2_000)))
            # What is written again is on every copy.
            await store.upsert(NAME, points(range(2_000, 2_200)))
            await store.optimise(NAME)
            await store.verify(NAME, 2_200, points(range(2_200)))

    asyncio.run(run())


def test_a_copy_that_holds_something_else_is_noticed(cluster: QdrantCluster) -> None:
    async def run() -> None:
        async with store_at(cluster, 0) as store:
            await store.create(NAME, SCHEMA)
            await write(store, range(2_000))
            await written_without(cluster, store, points(range(200), payload=1))
            await store.optimise(NAME)
            for payload in (0, 1):
                with pytest.raises(
                    VerificationError, match=r"row \d+ .*'r1'.* is not (on every copy|what was written)"
                ):
                    await store.verify(NAME, 2_000, points(range(200), payload))
            await store.upsert(NAME, points(range(200)))
            await store.verify(NAME, 2_000, points(range(2_000)))

    asyncio.run(run())
