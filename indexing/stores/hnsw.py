"""How the engine builds its HNSW graphs: one choice for both stores, so that their recall can be compared."""

from typing import Annotated

from msgspec import Meta, Struct


class HnswSettings(Struct, frozen=True, kw_only=True):
    """Settings of Qdrant's HNSW index; sizes are kilobytes of vectors, as Qdrant counts them."""

    # Edges per node and beam while building: Qdrant's own defaults.
    m: Annotated[int, Meta(ge=4)] = 16
    ef_construct: Annotated[int, Meta(ge=4)] = 100
    full_scan_threshold_kb: Annotated[int, Meta(ge=1)] = 2_000
    # Below this a segment has no graph and is scanned.
    indexing_threshold_kb: Annotated[int, Meta(ge=1)] = 10_000
