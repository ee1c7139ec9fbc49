"""The vector store inside the process: Qdrant Edge, one shard without a write-ahead log for each collection.

A shard without a log is read by any number of processes at once (docs/log.md); it is durable once flushed, which
`optimise` does. Every call holds the interpreter lock, so nothing here hops to a thread.

folder/NAME/points        the shard of collection NAME; the folder may hold the rest of a release
folder/NAME/points.PART   the shard of collection NAME.PART, which belongs to NAME
"""

import re
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import lru_cache, partial
from itertools import pairwise
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
import qdrant_edge as edge
from numpy.typing import NDArray

from embedding.protocols import Vectors
from indexing.errors import CollectionMissingError, StoreError
from indexing.filters.algebra import Filter
from indexing.payload.payload import FieldType, engine_payload
from indexing.stores.contract import POINTS, CollectionSchema, PointBatch, Ranked, SearchParams
from indexing.stores.edge_filter import edge_filter
from indexing.stores.hnsw import HnswSettings
from indexing.stores.verification import StoredPoint, check_count, check_points
from indexing.words.sparse import Sparse, SparseRows

# Rates hardly differ from 200 points a call to 5,000; a call stops everything else in the process.
_UPSERT_CHUNK = 500
_NAME = re.compile(r"\.?[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_INDEXES: dict[FieldType, edge.KeywordIndexParams | edge.IntegerIndexParams | edge.FloatIndexParams] = {
    "keyword": edge.KeywordIndexParams(),
    "code": edge.IntegerIndexParams(lookup=True, range=False),
    # No graph edges for ranges: they double the time to optimise, and a range meets them by chance alone.
    "integer": edge.IntegerIndexParams(lookup=True, range=True, enable_hnsw=False),
    "float": edge.FloatIndexParams(enable_hnsw=False),
}

T = TypeVar("T")


class EdgeStore:
    """The contract of `VectorStore` over shards in `folder`.

    One process writes a collection, then any number may read it at once. `hnsw` is for what is created here; what
    is opened keeps the settings that it was created with.
    """

    def __init__(self, folder: Path, hnsw: HnswSettings | None = None) -> None:
        self._folder = folder
        self._hnsw = hnsw or HnswSettings()
        self._shards: dict[str, edge.EdgeShard] = {}

    async def create(self, collection: str, schema: CollectionSchema) -> None:
        points = self._points(collection)
        if points.exists():
            raise StoreError(f"collection {collection!r} is there already ({points}): drop it first")
        points.parent.mkdir(parents=True, exist_ok=True)
        config = self._config(schema)
        shard = _ask(lambda: edge.EdgeShard.create(str(points), config), f"create collection {collection!r}")
        for field, field_type in schema.indexed.items():
            # Before the first point, so that the graph gets the edges that keep filtered searches connected.
            shard.update(edge.UpdateOperation.create_field_index(field, _INDEXES[field_type]))
        self._shards[collection] = shard

    async def upsert(self, collection: str, points: PointBatch) -> None:
        shard = self._shard(collection)
        for start in range(0, len(points.rows), _UPSERT_CHUNK):
            part = slice(start, start + _UPSERT_CHUNK)
            columns = [_views(matrix[part]) for matrix in points.vectors.values()]
            named: list[dict[str, list[float] | edge.SparseVector | list[list[float]]]] = [
                dict(zip(points.vectors, vectors, strict=True)) for vectors in zip(*columns, strict=True)
            ]
            for name, rows in points.sparse.items():
                for place, vector in _sparse_views(rows, part):
                    named[place][name] = vector
            chunk = [
                edge.Point(row, vectors, engine_payload(payload, points.extra_fields))
                for row, payload, vectors in zip(points.rows[part], points.payloads[part], named, strict=True)
            ]
            write = partial(shard.update, edge.UpdateOperation.upsert_points(chunk))
            _ask(write, f"write to collection {collection!r}")

    async def optimise(self, collection: str) -> None:
        shard = self._shard(collection)
        while _ask(shard.optimize, f"optimise collection {collection!r}"):
            pass
        _ask(shard.flush, f"flush collection {collection!r}")
        # The first load after writing clears journals away: done here, no reader ever changes a byte of it.
        del self._shards[collection]
        shard.close()
        await self.open(collection)

    async def verify(self, collection: str, num_points: int, written: PointBatch) -> None:
        check_count(collection, num_points, await self.count(collection))
        shard = self._shard(collection)
        ids: list[edge.PointId] = list(written.rows)
        records = _ask(lambda: shard.retrieve(ids, True, True), f"verify collection {collection!r}")
        stored = {int(record.id): StoredPoint.of(record.vector, record.payload) for record in records}
        check_points(collection, written, stored)

    async def open(self, collection: str) -> None:
        if collection in self._shards:
            return
        points = self._points(collection)
        if not points.is_dir():
            raise CollectionMissingError(f"collection {collection!r} is not there: {points} does not exist")
        shard = _ask(lambda: edge.EdgeShard.load(str(points)), f"open collection {collection!r} in {points}")
        self._shards[collection] = shard

    async def count(self, collection: str, where: Filter | None = None) -> int:
        shard = self._shard(collection)
        request = edge.CountRequest(exact=True, filter=None if where is None else edge_filter(where))
        return _ask(lambda: shard.count(request), f"count collection {collection!r}")

    def prepare(self, where: Filter) -> edge.Filter:
        return edge_filter(where)

    async def nearest(
        self,
        collection: str,
        vector: NDArray[np.float32],
        *,
        using: str,
        where: edge.Filter | None,
        limit: int,
        params: SearchParams,
    ) -> Ranked:
        shard = self._shards.get(collection) or self._shard(collection)
        request = edge.QueryRequest(
            limit=limit,
            query=edge.Query.Nearest(vector.tolist(), using=using),
            filter=where,
            params=_search_params(params),
            with_payload=False,
            with_vector=False,
        )
        try:
            hits = shard.query(request)
        except Exception as error:
            raise _refusal(error, f"search collection {collection!r}") from error
        # Row numbers are all that was ever written as an id; a check of each would cost as much as the rest.
        return Ranked(cast("list[int]", [hit.id for hit in hits]), [hit.score for hit in hits])

    async def matching(
        self, collection: str, words: Sparse, *, using: str, where: edge.Filter | None, limit: int
    ) -> Ranked:
        shard = self._shard(collection)
        query = edge.SparseVector(words.indices.tolist(), words.values.tolist())
        request = edge.QueryRequest(
            limit=limit,
            query=edge.Query.Nearest(query, using=using),
            filter=where,
            with_payload=False,
            with_vector=False,
        )
        hits = _ask(lambda: shard.query(request), f"search words of collection {collection!r}")
        return Ranked(cast("list[int]", [hit.id for hit in hits]), [hit.score for hit in hits])

    async def vectors(self, collection: str, rows: Sequence[int], *, using: str) -> Vectors:
        shard = self._shard(collection)
        ids: list[edge.PointId] = [int(row) for row in rows]
        if not ids:
            raise StoreError("vectors were asked for without naming a row")
        records = _ask(lambda: shard.retrieve(ids, False, [using]), f"read vectors of collection {collection!r}")
        found = {record.id: record.vector[using] for record in records if isinstance(record.vector, dict)}
        missing = [row for row in ids if row not in found]
        if missing:
            raise StoreError(f"collection {collection!r} has no {using!r} vector for rows {missing[:10]}")
        return np.array([found[row] for row in ids], dtype=np.float32)

    async def collections(self) -> list[str]:
        found = (path for path in self._folder.glob(f"*/{POINTS}*") if path.is_dir())
        names = (f"{path.parent.name}{path.name.removeprefix(POINTS)}" for path in found)
        return sorted(name for name in names if not name.startswith("."))

    async def leftovers(self, known: Collection[str]) -> list[str]:
        return [name for name in await self.collections() if name not in known]

    async def drop(self, collection: str) -> None:
        points = self._points(collection)
        shard = self._shards.pop(collection, None)
        if shard is not None:
            shard.close()
        # Out of sight in one step: a removal that is killed half way must not leave half a collection.
        leaving = points.with_name(f".{points.name}.dropped")
        if leaving.exists():
            shutil.rmtree(leaving)
        if points.exists():
            points.rename(leaving)
            shutil.rmtree(leaving)
        if points.parent.is_dir() and not any(points.parent.iterdir()):
            points.parent.rmdir()

    async def trouble(self) -> str | None:
        return None

    async def close(self) -> None:
        for shard in self._shards.values():
            shard.close()
        self._shards.clear()

    def _points(self, collection: str) -> Path:
        if not _NAME.fullmatch(collection):
            raise StoreError(f"a collection's name has letters, digits, '.', '_' and '-'; {collection!r} came")
        # A dot at the beginning hides a collection; any other sets a part off.
        name, dot, part = collection[1:].partition(".")
        return self._folder / f"{collection[0]}{name}" / f"{POINTS}{dot}{part}"

    def _shard(self, collection: str) -> edge.EdgeShard:
        shard = self._shards.get(collection)
        if shard is not None:
            return shard
        if not self._points(collection).is_dir():
            raise CollectionMissingError(f"collection {collection!r} is not there ({self._points(collection)})")
        # Loading holds the interpreter lock for .3 s at 100,000 points: never by surprise, in the middle of a request.
        raise StoreError(f"collection {collection!r} is not open in this process: call open first")

    def _config(self, schema: CollectionSchema) -> edge.EdgeConfig:
        hnsw = self._hnsw
        return edge.EdgeConfig(
            vectors={name: edge.EdgeVectorParams(dims, edge.Distance.Dot) for name, dims in schema.vectors.items()},
            sparse_vectors={name: edge.EdgeSparseVectorParams() for name in schema.sparse},
            hnsw_config=edge.HnswIndexConfig(hnsw.m, hnsw.ef_construct, hnsw.full_scan_threshold_kb),
            optimizers=edge.EdgeOptimizersConfig(
                # One segment: a query walks the graph of each, and workers take every core as it is.
                default_segment_number=1,
                indexing_threshold=hnsw.indexing_threshold_kb,
            ),
            wal_enabled=False,
        )


def _views(matrix: Vectors) -> list[list[float]]:
    """Rows (N, dims) as the engine reads them fastest: from memory, in two thirds of the time that lists take."""
    flat, dims = np.ascontiguousarray(matrix, np.float32).reshape(-1).data, matrix.shape[1]
    # Its type hints name lists alone; it takes any sequence of numbers.
    return cast("list[list[float]]", [flat[start : start + dims] for start in range(0, len(flat), dims)])


def _sparse_views(rows: SparseRows, part: slice) -> Iterator[tuple[int, edge.SparseVector]]:
    """Those of `part` that are not empty, with their places in it."""
    ends = rows.ends[part.start : part.stop + 1].tolist()
    for place, (start, end) in enumerate(pairwise(ends)):
        if start < end:
            yield place, edge.SparseVector(rows.indices[start:end].tolist(), rows.values[start:end].tolist())


@lru_cache(maxsize=64)
def _search_params(params: SearchParams) -> edge.SearchParams:
    # The plan has decided already: without the 1.0 the engine would leave ACORN out above 40 % selectivity.
    acorn = edge.AcornSearchParams(enable=True, max_selectivity=1.0) if params.acorn else None
    return edge.SearchParams(hnsw_ef=params.ef, exact=params.exact, acorn=acorn)


def _ask(call: Callable[[], T], doing: str) -> T:
    try:
        return call()
    except Exception as error:
        raise _refusal(error, doing) from error


def _refusal(error: Exception, doing: str) -> Exception:
    """The engine raises bare `Exception` for all that it refuses; a subclass of it is a mistake of ours."""
    return StoreError(f"could not {doing}: {error}") if type(error) is Exception else error
