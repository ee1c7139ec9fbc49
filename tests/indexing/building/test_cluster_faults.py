"""A release is built on a real cluster while a node is away: it is finished when the node is back."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexing.releases.workspace import Workspace
from indexing.stores.sharding import Sharding
from tests.indexing.at_work import build, within
from tests.indexing.kinds_of_store import ServerStores
from tests.indexing.release_worlds import NUM_ITEMS, Source
from tests.qdrant_cluster import QdrantCluster, needs_qdrant_binary, running_cluster

pytestmark = needs_qdrant_binary


@pytest.fixture(scope="module")
def cluster() -> Iterator[QdrantCluster]:
    with running_cluster(3) as nodes:
        yield nodes


@pytest.mark.parametrize("node", [0, 2])
def test_a_build_begun_while_a_node_is_away_ends_when_it_is_back(
    cluster: QdrantCluster, source: Source, data_dir: Path, node: int
) -> None:
    stores = ServerStores(data_dir, cluster.urls[1], f"away-{node}", Sharding(shards=3, replicas=2))

    async def work(workspace: Workspace) -> None:
        cluster.kill(node)
        building = asyncio.ensure_future(build(workspace, source, live=False))
        await asyncio.sleep(6)
        assert not building.done()
        assert workspace.releases.manifests() == []
        await asyncio.to_thread(cluster.restart, node)
        release_id = await building
        assert workspace.releases.manifest(release_id).counts.points == NUM_ITEMS

    within(stores, source, work)
