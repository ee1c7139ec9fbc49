"""How the engine builds its HNSW graphs: one choice for both stores, so that their recall can be compared."""

from typing import Annotated

from msgspec import Meta, Struct

from embedding.errors import UsageError

# A server refuses less; embedded, the engine would take it.
_LEAST_FULL_SCAN_KB = 10


class HnswSettings(Struct, frozen=True, kw_only=True):
    """Settings of Qdrant's HNSW index; sizes are kilobytes of vectors, as Qdrant counts them.

    UsageError for a `full_scan_threshold_kb` below 10, which only some stores would take.
    """

    # Edges per node and beam while building: Qdrant's own defaults.
    m: Annotated[int, Meta(ge=4)] = 16
    ef_construct: Annotated[int, Meta(ge=4)] = 100
    full_scan_threshold_kb: Annotated[int, Meta(ge=_LEAST_FULL_SCAN_KB)] = 2_000
    # Below this a segment has no graph and is scanned.
    indexing_threshold_kb: Annotated[int, Meta(ge=1)] = 10_000

    def __post_init__(self) -> None:
        if self.full_scan_threshold_kb < _LEAST_FULL_SCAN_KB:
            raise UsageError(
                f"full_scan_threshold_kb: expected {_LEAST_FULL_SCAN_KB} or more, came {self.full_scan_threshold_kb}; "
                "a Qdrant server takes no less"
            )
