"""How a collection is sharded and replicated over the nodes of a Qdrant cluster; the embedded store has one shard."""

from msgspec import Struct

from embedding.errors import UsageError
from indexing.settings import IndexingSettings


class Sharding(Struct, frozen=True, kw_only=True):
    """Shards of a collection (None: one a node, as the server has it), copies of each, and copies that a write awaits.

    Raises UsageError when a write would wait for more copies than there are.
    """

    shards: int | None = None
    replicas: int = 1
    write_consistency: int = 1

    def __post_init__(self) -> None:
        if self.write_consistency > self.replicas:
            # A server would take it, and quietly wait for fewer.
            raise UsageError(
                f"qdrant_write_consistency: expected at most qdrant_replicas ({self.replicas}), "
                f"came {self.write_consistency}; a write cannot wait for more copies than there are"
            )


def sharding_of(settings: IndexingSettings) -> Sharding:
    """The sharding that `settings` ask for; UsageError as `Sharding`."""
    return Sharding(
        shards=settings.qdrant_shards,
        replicas=settings.qdrant_replicas,
        write_consistency=settings.qdrant_write_consistency,
    )
