"""The contract on real servers: one of its own, and a cluster of three with two copies of each shard."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexing.errors import StoreError
from indexing.stores.server import ServerStore
from indexing.stores.sharding import Sharding
from tests.indexing.kinds_of_store import client_of, stores_on_server
from tests.indexing.made_points import SCHEMA
from tests.indexing.stores.contract import StoreContract, Stores
from tests.indexing.stores.verification_contract import VerificationContract
from tests.qdrant_cluster import QdrantCluster, needs_qdrant_binary, running_cluster

pytestmark = needs_qdrant_binary


@pytest.fixture(scope="module")
def one_node() -> Iterator[QdrantCluster]:
    with running_cluster(1) as nodes:
        yield nodes


@pytest.fixture(scope="module")
def three_nodes() -> Iterator[QdrantCluster]:
    with running_cluster(3) as nodes:
        yield nodes


class TestOneNode(StoreContract, VerificationContract):
    @pytest.fixture
    def stores(self, data_dir: Path, one_node: QdrantCluster) -> Iterator[Stores]:
        with stores_on_server(data_dir, one_node.urls[0]) as world:
            yield world


class TestThreeNodes(StoreContract, VerificationContract):
    @pytest.fixture
    def stores(self, data_dir: Path, three_nodes: QdrantCluster) -> Iterator[Stores]:
        # Not the first one, which founded the cluster.
        with stores_on_server(data_dir, three_nodes.urls[1], Sharding(replicas=2)) as world:
            yield world


def test_a_server_keeps_whose_a_collection_is(one_node: QdrantCluster) -> None:
    async def run() -> None:
        ours, theirs = (ServerStore(client_of(one_node.urls[0]), "shared", state_id=state) for state in ("a", "b"))
        await ours.create("r1", SCHEMA)
        with pytest.raises(StoreError, match=r"collection shared\.r1 was made under state a, this is state b"):
            await theirs.create("r2", SCHEMA)
        assert await ours.leftovers([]) == ["r1"]
        await ours.drop("r1")
        await theirs.create("r2", SCHEMA)
        for store in (ours, theirs):
            await store.close()

    asyncio.run(run())
