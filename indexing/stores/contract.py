"""What is asked of a vector store, whichever engine answers.

A collection is built once by one writer (create, upsert, optimise) and read by many.
A point's id is its row number in the release's columns, so that a hit needs no payload from the engine.
"""

from collections.abc import Collection, Sequence
from typing import Any, Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from embedding.protocols import Vectors
from indexing.errors import StoreError
from indexing.filters.algebra import Filter
from indexing.payload.payload import INDEXED_FIELDS, FieldType, Payload, checked_extra
from indexing.words.sparse import Sparse, SparseRows

POINTS = "points"
"""Where the embedded engine has its shards: in a folder of this name, and in those whose names it begins."""


class CollectionSchema(Struct, frozen=True):
    """Named vectors of a collection, compared by dot product: dense unit vectors with their lengths, sparse ones.

    `extra_fields` are indexed besides payload.INDEXED_FIELDS (payload.extra_field).
    """

    vectors: dict[str, int]
    sparse: tuple[str, ...] = ()
    extra_fields: tuple[str, ...] = ()

    @property
    def indexed(self) -> dict[str, FieldType]:
        """All fields that filters may ask for, with their types."""
        return INDEXED_FIELDS | {field: checked_extra(field)[1] for field in self.extra_fields}


class PointBatch(Struct, frozen=True):
    """Points to write: `rows` (N,), one finite array (N, dims) for each named vector, N payloads; else StoreError.

    `sparse`: N vectors for each sparse name; a point whose vector is empty has none.
    `extra_fields` are those of the collection's schema.
    """

    rows: Sequence[int]
    vectors: dict[str, Vectors]
    payloads: Sequence[Payload]
    sparse: dict[str, SparseRows] = {}
    extra_fields: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        sizes = {name: len(matrix) for name, matrix in self.vectors.items()}
        sizes |= {name: len(rows) for name, rows in self.sparse.items()} | {"payloads": len(self.payloads)}
        if any(size != len(self.rows) for size in sizes.values()):
            raise StoreError(f"{len(self.rows)} rows came with {sizes}: one vector of each name and one payload a row")
        for name, matrix in self.vectors.items():
            # The engine takes NaN without a word, and then never finds the point.
            if not np.isfinite(matrix).all():
                row = self.rows[int(np.argmin(np.isfinite(matrix).all(axis=1)))]
                raise StoreError(f"the {name!r} vector of row {row} has a value that is not finite")
        for name, vectors in self.sparse.items():
            if not np.isfinite(vectors.values).all():
                raise StoreError(f"a {name!r} vector has a value that is not finite")


class SearchParams(Struct, frozen=True):
    """How the engine is to search: point by point, or over its graph with this beam (`ef`), with or without ACORN."""

    exact: bool = False
    ef: int | None = None
    acorn: bool = False


class Ranked(Struct, frozen=True):
    """An answer of the engine, best first: row numbers and their scores (dot product)."""

    rows: list[int]
    scores: list[float]


class VectorStore(Protocol):
    """Collections of vectors, each written once.

    Every method may raise StoreError (indexing/errors.py), with the engine's own words in its message.
    """

    async def create(self, collection: str, schema: CollectionSchema) -> None:
        """Make an empty collection with its payload indexes; StoreError when the name is taken."""

    async def upsert(self, collection: str, points: PointBatch) -> None:
        """Write points; they are durable after `optimise`."""

    async def optimise(self, collection: str) -> None:
        """Build the graphs, flush, and return when every copy is idle. Blocks: never in a process that serves."""

    async def verify(self, collection: str, num_points: int, written: PointBatch) -> None:
        """Compare every copy with what was written: its number of points, and all of some of its points, `written`.

        To be asked after `optimise`, in a process that may read. VerificationError says what differs.
        """

    async def open(self, collection: str) -> None:
        """Make the collection ready for this process, as `create` does; CollectionMissingError when it is not there.

        What reads or writes a collection that was neither created nor opened may raise StoreError.
        """

    async def count(self, collection: str, where: Filter | None = None) -> int:
        """Exact number of points, or of those that pass `where`."""

    def prepare(self, where: Filter) -> Any:
        """The filter in the engine's own form, opaque to callers, for use in any number of queries."""

    async def nearest(
        self, collection: str, vector: NDArray[np.float32], *, using: str, where: Any, limit: int, params: SearchParams
    ) -> Ranked:
        """The `limit` points nearest to `vector` (dims,) in the named space `using`, among those that pass."""

    async def matching(self, collection: str, words: Sparse, *, using: str, where: Any, limit: int) -> Ranked:
        """The `limit` points that share entries with `words` in the sparse space `using`, among those that pass.

        Those of the largest dot product, without fail. `words` has one entry or more.
        """

    async def vectors(self, collection: str, rows: Sequence[int], *, using: str) -> Vectors:
        """Stored vectors (len(rows), dims) in the order of `rows`, one or more; StoreError when one is missing."""

    async def collections(self) -> list[str]:
        """Names of this store's collections, sorted, without those that begin with a dot."""

    async def leftovers(self, known: Collection[str]) -> list[str]:
        """Names, sorted, of the collections that are certainly this store's own and are not among those `known`."""

    async def drop(self, collection: str) -> None:
        """Remove a collection; nothing happens when it is not there."""

    async def trouble(self) -> str | None:
        """Why the engine cannot be asked just now, in words; None where it answers."""

    async def close(self) -> None:
        """Let go of files and connections."""
