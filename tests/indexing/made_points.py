"""Points for the tests of stores: payloads written out by hand, vectors drawn with a fixed seed."""

import numpy as np
from numpy.typing import NDArray

from embedding.rows.schema import Item
from indexing.payload.payload import Payload, payload_of
from indexing.stores.contract import CollectionSchema, PointBatch
from indexing.words.sparse import SparseRows
from tests.indexing.stores.made_words import made_words

SCHEMA = CollectionSchema({"tower": 8, "text": 4}, ("bm25",))

JAZZ, POD, BARE, OLD = range(4)
CLASS_A, CLASS_B = 2**62 + 1, 7
PAYLOADS = (
    payload_of(
        Item(
            id="jazz",
            kind="track",
            title="So Far",
            creator="Ana B",
            creators=("Ana B", "Cy"),
            tags=("jazz", "live"),
            language="en-US",
            duration_s=212.5,
            published_at=1_600_000_000,
            explicit=False,
        ),
        CLASS_A,
        0.5,
    ),
    payload_of(
        Item(
            id="pod",
            kind="episode",
            title="Delitti",
            creator="Voci",
            tags=("crime",),
            language="it",
            duration_s=3600.0,
            published_at=1_700_000_000,
            explicit=True,
            min_age=18,
        ),
        CLASS_B,
        0.1,
    ),
    payload_of(Item(id="bare", kind="track", title="Untitled", creator="cy"), CLASS_B, 0.0),
    payload_of(
        Item(id="old", kind="track", title="Then", creator="Ana  b", tags=("jazz",), published_at=-5, min_age=7),
        CLASS_A,
        0.9,
    ),
)


def unit_vectors(num: int, dims: int, seed: int = 0) -> NDArray[np.float32]:
    """(num, dims) unit rows."""
    drawn = np.random.default_rng(seed).normal(size=(num, dims))
    unit: NDArray[np.float32] = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    return unit


def points_of(payloads: tuple[Payload, ...] | list[Payload], seed: int = 0) -> PointBatch:
    """Rows 0 to N - 1 with `payloads`, and drawn vectors of `SCHEMA`, dense and sparse."""
    vectors = {name: unit_vectors(len(payloads), dims, seed) for name, dims in SCHEMA.vectors.items()}
    return PointBatch(range(len(payloads)), vectors, payloads, {"bm25": SparseRows.of(made_words(len(payloads), seed))})
