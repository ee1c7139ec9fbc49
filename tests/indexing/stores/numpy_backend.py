"""A store backend of a few lines: brute force over dictionaries, shared by all stores of this process."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedding.protocols import Vectors
from indexing.errors import CollectionMissingError, StoreError
from indexing.filters.algebra import Filter
from indexing.filters.check import check_filter
from indexing.filters.predicate import predicate
from indexing.payload.payload import Payload, engine_payload
from indexing.settings import IndexingSettings
from indexing.stores.contract import CollectionSchema, PointBatch, Ranked, SearchParams, VectorStore
from indexing.stores.verification import StoredPoint, check_count, check_points
from indexing.words.sparse import Sparse, SparseRows

Passes = Callable[[int, Payload], bool]
NO_WORDS = Sparse(np.zeros(0, np.uint32), np.zeros(0, np.float32))


class Points:
    """One collection: the payload of each row, and its vectors by name and row."""

    def __init__(self, schema: CollectionSchema) -> None:
        self.schema = schema
        self.payloads: dict[int, Payload] = {}
        self.vectors: dict[str, dict[int, Vectors]] = {name: {} for name in schema.vectors}
        self.words: dict[str, dict[int, Sparse]] = {name: {} for name in schema.sparse}

    def passing(self, where: Passes | None) -> list[int]:
        return [row for row, payload in self.payloads.items() if where is None or where(row, payload)]


class World:
    """Collections by name, and the live one."""

    def __init__(self) -> None:
        self.collections: dict[str, Points] = {}
        self.live: str | None = None

    def points(self, collection: str) -> Points:
        if collection not in self.collections:
            raise CollectionMissingError(f"there is no collection {collection!r}")
        return self.collections[collection]


class NumpyStore:
    """The contract of `VectorStore`; nothing waits for `optimise`."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def create(self, collection: str, schema: CollectionSchema) -> None:
        if collection in self._world.collections:
            raise StoreError(f"collection {collection!r} is there already: drop it first")
        self._world.collections[collection] = Points(schema)

    async def upsert(self, collection: str, points: PointBatch) -> None:
        held = self._world.points(collection)
        if {name: matrix.shape[1] for name, matrix in points.vectors.items()} != held.schema.vectors:
            raise StoreError(f"collection {collection!r} has the vectors {held.schema.vectors}")
        held.payloads.update(zip(points.rows, points.payloads, strict=True))
        for name, matrix in points.vectors.items():
            held.vectors[name].update(zip(points.rows, matrix, strict=True))
        for name, rows in points.sparse.items():
            held.words[name].update({row: rows.row(place) for place, row in enumerate(points.rows)})

    async def optimise(self, collection: str) -> None:
        self._world.points(collection)

    async def verify(self, collection: str, num_points: int, written: PointBatch) -> None:
        held = self._world.points(collection)
        check_count(collection, num_points, len(held.payloads))
        stored = {
            row: StoredPoint(
                {name: vectors[row].tolist() for name, vectors in held.vectors.items()},
                {name: words[row] for name, words in held.words.items() if row in words},
                engine_payload(payload, held.schema.extra_fields),
            )
            for row, payload in held.payloads.items()
        }
        check_points(collection, written, stored)

    async def open(self, collection: str) -> None:
        self._world.points(collection)

    async def count(self, collection: str, where: Filter | None = None) -> int:
        return len(self._world.points(collection).passing(None if where is None else self.prepare(where)))

    def prepare(self, where: Filter) -> Passes:
        check_filter(where)
        return predicate(where)

    async def nearest(
        self, collection: str, vector: NDArray[np.float32], *, using: str, where: Any, limit: int, params: SearchParams
    ) -> Ranked:
        del params
        held = self._world.points(collection)
        if held.schema.vectors.get(using) != len(vector):
            raise StoreError(f"collection {collection!r} has no such vectors as {using!r}")
        scores = {row: float(held.vectors[using][row] @ vector) for row in held.passing(where)}
        return _ranked(scores, limit)

    async def matching(self, collection: str, words: Sparse, *, using: str, where: Any, limit: int) -> Ranked:
        held = self._world.points(collection)
        if using not in held.words:
            raise StoreError(f"collection {collection!r} has no words {using!r}")
        rows = held.passing(where)
        found = SparseRows.of([held.words[using].get(row, NO_WORDS) for row in rows]).scores(words).tolist()
        return _ranked({row: score for row, score in zip(rows, found, strict=True) if score > 0}, limit)

    async def vectors(self, collection: str, rows: Sequence[int], *, using: str) -> Vectors:
        held = self._world.points(collection).vectors[using]
        if not rows:
            raise StoreError("vectors were asked for without naming a row")
        if missing := [row for row in rows if row not in held]:
            raise StoreError(f"there is no {using!r} vector for rows {missing}")
        return np.array([held[row] for row in rows])

    async def collections(self) -> list[str]:
        return sorted(name for name in self._world.collections if not name.startswith("."))

    async def leftovers(self, known: Collection[str]) -> list[str]:
        return [name for name in await self.collections() if name not in known]

    async def drop(self, collection: str) -> None:
        if collection == self._world.live:
            raise StoreError(f"collection {collection!r} is live")
        self._world.collections.pop(collection, None)

    async def live(self) -> str | None:
        return self._world.live

    async def set_live(self, collection: str) -> None:
        self._world.points(collection)
        self._world.live = collection

    async def trouble(self) -> str | None:
        return None

    async def close(self) -> None:
        pass


def _ranked(scores: dict[int, float], limit: int) -> Ranked:
    rows = sorted(scores, key=lambda row: -scores[row])[:limit]
    return Ranked(rows, [scores[row] for row in rows])


class NumpyBackend:
    """Meant by an address such as `numpy:NAME`, which stands for a world of its own."""

    name = "numpy"

    def __init__(self) -> None:
        self._worlds: dict[str, World] = {}

    def is_meant(self, settings: IndexingSettings) -> bool:
        return settings.qdrant_url is not None and settings.qdrant_url.startswith("numpy:")

    def warnings(self, settings: IndexingSettings) -> list[str]:  # noqa: ARG002  # as StoreBackend
        return []

    def open(self, settings: IndexingSettings, state_id: str | None = None) -> VectorStore:  # noqa: ARG002  # marks nothing
        return NumpyStore(self._worlds.setdefault(settings.qdrant_url or "", World()))
