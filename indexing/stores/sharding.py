"""How a collection is sharded and replicated over the nodes of a Qdrant cluster; the embedded store has one shard."""

from msgspec import Struct

from indexing.settings import IndexingSettings


class Sharding(Struct, frozen=True, kw_only=True):
    """Shards of a collection (None: one a node, as the server has it), and copies of each; a write awaits them all."""

    shards: int | None = None
    replicas: int = 1


def sharding_of(settings: IndexingSettings) -> Sharding:
    """The sharding that `settings` ask for."""
    return Sharding(shards=settings.qdrant_shards, replicas=settings.qdrant_replicas)
