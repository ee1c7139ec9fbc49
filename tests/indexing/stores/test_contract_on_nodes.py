"""The contract on real servers: one of its own, and a cluster of three with two copies of each shard."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from indexing.stores.sharding import Sharding
from tests.indexing.kinds_of_store import stores_on_server
from tests.indexing.stores.contract import StoreContract, Stores
from tests.indexing.stores.verification_contract import VerificationContract
from tests.qdrant_cluster import QdrantCluster, needs_qdrant_binary, running_cluster

pytestmark = needs_qdrant_binary


class TestOneNode(StoreContract, VerificationContract):
    @pytest.fixture(scope="class")
    def cluster(self) -> Iterator[QdrantCluster]:
        with running_cluster(1) as nodes:
            yield nodes

    @pytest.fixture
    def stores(self, data_dir: Path, cluster: QdrantCluster) -> Iterator[Stores]:
        with stores_on_server(data_dir, cluster.urls[0]) as world:
            yield world


class TestThreeNodes(StoreContract, VerificationContract):
    @pytest.fixture(scope="class")
    def cluster(self) -> Iterator[QdrantCluster]:
        with running_cluster(3) as nodes:
            yield nodes

    @pytest.fixture
    def stores(self, data_dir: Path, cluster: QdrantCluster) -> Iterator[Stores]:
        # Not the first one, which founded the cluster.
        with stores_on_server(data_dir, cluster.urls[1], Sharding(replicas=2)) as world:
            yield world
