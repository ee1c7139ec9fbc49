"""The copies of a collection on a server's nodes: where each is, and what is not as it should be.

A cluster tells of all its copies through any node (`GET /cluster/telemetry`), a server without a cluster of its one.
"""

from collections import defaultdict

from msgspec import Struct
from qdrant_client import AsyncQdrantClient, models

from indexing.errors import CollectionMissingError
from indexing.stores.server_errors import ask

# The least at which a cluster tells of copies; the next one tells of their segments.
_DETAILS_LEVEL = 3
_SHOWN = 5


class Copy(Struct, frozen=True):
    """One copy of a shard: the node that has it, its state for the cluster, and what its node says of it."""

    shard: int
    node: int
    state: models.ReplicaState
    # None where the node does not answer.
    status: str | None
    num_points: int | None

    @property
    def is_there(self) -> bool:
        """Whether reads and writes reach it."""
        return self.state == models.ReplicaState.ACTIVE and self.status is not None

    def __str__(self) -> str:
        told = "its node does not answer" if self.status is None else f"{self.status}, {self.num_points:,} points"
        return f"shard {self.shard} on node {self.node}: {self.state.value}, {told}"


async def copies_of(client: AsyncQdrantClient, name: str, doing: str) -> list[Copy]:
    """All copies of a collection by its full name; CollectionMissingError, StoreError."""
    if isinstance(await ask(client.cluster_status(), doing), models.ClusterStatusOneOf):
        return await _copies_on_one_node(client, name, doing)
    # A node that hangs is waited for: 9.5 s.
    told = await ask(client.cluster_telemetry(details_level=_DETAILS_LEVEL), doing)
    if name not in told.collections:
        raise CollectionMissingError(f"could not {doing}: collection {name} is not there")
    return [
        Copy(shard.id, copy.peer_id, copy.state, copy.status and copy.status.value, copy.num_points)
        for shard in told.collections[name].shards or []
        for copy in shard.replicas
    ]


async def _copies_on_one_node(client: AsyncQdrantClient, name: str, doing: str) -> list[Copy]:
    info = await ask(client.get_collection(name), doing)
    where = await ask(client.collection_cluster_info(name), doing)
    return [
        Copy(shard.shard_id, where.peer_id, shard.state, info.status.value, shard.points_count)
        for shard in where.local_shards
    ]


def away(copies: list[Copy]) -> str | None:
    """Which copies cannot be reached, in words; None where all can."""
    return _told([str(copy) for copy in copies if not copy.is_there])


def busy(copies: list[Copy]) -> str | None:
    """Which copies are still being optimised, in words; None where none is."""
    return _told([str(copy) for copy in copies if copy.status != models.ShardStatus.GREEN.value])


def unlike(copies: list[Copy]) -> str | None:
    """The copies of shards that do not hold the same number of points, in words; None where all do."""
    by_shard: dict[int, list[Copy]] = defaultdict(list)
    for copy in copies:
        by_shard[copy.shard].append(copy)
    return _told(
        [str(copy) for shard in by_shard.values() if len({copy.num_points for copy in shard}) > 1 for copy in shard]
    )


def too_few(copies: list[Copy], replicas: int) -> str | None:
    """Which shards have fewer copies than `replicas`, in words; None where none has."""
    num: dict[int, int] = defaultdict(int)
    for copy in copies:
        num[copy.shard] += 1
    return _told([f"shard {shard} has {there}" for shard, there in num.items() if there < replicas])


def points_in(copies: list[Copy]) -> int:
    """Points of the whole collection; of unlike copies of a shard the least, 0 for one that does not answer."""
    least: dict[int, int] = {}
    for copy in copies:
        num_points = copy.num_points or 0
        least[copy.shard] = min(least.get(copy.shard, num_points), num_points)
    return sum(least.values())


def _told(found: list[str]) -> str | None:
    if not found:
        return None
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return "; ".join(found[:_SHOWN]) + more
