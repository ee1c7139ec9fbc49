"""How a collection is spread over the nodes of a Qdrant cluster; embedded there is nothing to spread."""

from msgspec import Struct

from embedding.errors import UsageError
from indexing.settings import IndexingSettings


class Spread(Struct, frozen=True, kw_only=True):
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


def spread_of(settings: IndexingSettings) -> Spread:
    """The spread that `settings` ask for; UsageError as `Spread`."""
    return Spread(
        shards=settings.qdrant_shards,
        replicas=settings.qdrant_replicas,
        write_consistency=settings.qdrant_write_consistency,
    )
