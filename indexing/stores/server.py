"""The vector store on a Qdrant server: collections and the live alias of one prefix, through the `query` family.

PREFIX.NAME   collection NAME
PREFIX-live   the alias of the live one; a prefix has no dot in it, so no two stores' names can meet

Filters and search parameters are sent as the protobuf messages that the wire takes, made once and used in any
number of queries; the client takes them whichever transport it was made for.
"""

import asyncio
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qdrant_client import AsyncQdrantClient, grpc, models
from qdrant_client.conversions.conversion import RestToGrpc

from embedding.protocols import Vectors
from indexing.errors import CollectionMissingError, StoreError
from indexing.filters.algebra import Filter
from indexing.payload.payload import FieldType, engine_payload
from indexing.stores.contract import CollectionSchema, PointBatch, Ranked, SearchParams
from indexing.stores.hnsw import HnswSettings
from indexing.stores.server_endpoints import Endpoint, Endpoints
from indexing.stores.server_errors import ask
from indexing.stores.server_filter import server_filter
from indexing.stores.sharding import Sharding
from indexing.words.sparse import Sparse

# 64-d and 384-d vectors of 250 points are .5 MB on the wire, a server takes 32.
_UPSERT_CHUNK = 250
# 1.76M vectors of 1024-d took a server 11 minutes (docs/log.md).
_OPTIMISE_TIMEOUT_S = 4 * 3600.0
_LONGEST_PAUSE_S = 2.0
# A search takes milliseconds: a copy that takes so long is stopped, cut off or overrun, and another one is asked too.
_HEDGE_AFTER_MS = 100
_INDEXES: dict[FieldType, models.PayloadSchemaParams] = {
    "keyword": models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD),
    "code": models.IntegerIndexParams(type=models.IntegerIndexType.INTEGER, lookup=True, range=False),
    # No graph edges for ranges: they double the time to optimise, and a range meets them by chance alone.
    "integer": models.IntegerIndexParams(
        type=models.IntegerIndexType.INTEGER, lookup=True, range=True, enable_hnsw=False
    ),
    "float": models.FloatIndexParams(type=models.FloatIndexType.FLOAT, enable_hnsw=False),
}


class ServerStore:
    """The contract of `VectorStore` on the server that `client` speaks to; `close` closes the client.

    Collections and alias begin with `prefix`; those made from now on lie on the server's nodes as
    `sharding` says; `optimise` gives up after `optimise_timeout_s`.
    """

    def __init__(
        self,
        client: AsyncQdrantClient,
        prefix: str,
        hnsw: HnswSettings | None = None,
        optimise_timeout_s: float = _OPTIMISE_TIMEOUT_S,
        sharding: Sharding | None = None,
        reads: Endpoints | None = None,
    ) -> None:
        """`reads`: where queries are asked, where `client` is not the only address."""
        self.client, self.prefix, self.sharding = client, prefix, sharding or Sharding()
        self._reads = reads or Endpoints([Endpoint("the server", client)])
        self._prefix = f"{prefix}."
        self._alias = f"{prefix}-live"
        self._hnsw = hnsw or HnswSettings()
        self._optimise_timeout_s = optimise_timeout_s

    async def create(self, collection: str, schema: CollectionSchema) -> None:
        name = self._name(collection)
        doing = f"create collection {collection!r}"
        if await ask(self.client.collection_exists(name), doing):
            raise StoreError(f"collection {collection!r} is there already ({name} on the server): drop it first")
        hnsw = self._hnsw
        await ask(
            self.client.create_collection(
                name,
                vectors_config={
                    vector: models.VectorParams(size=dims, distance=models.Distance.DOT)
                    for vector, dims in schema.vectors.items()
                },
                sparse_vectors_config={name: models.SparseVectorParams() for name in schema.sparse},
                hnsw_config=models.HnswConfigDiff(
                    m=hnsw.m, ef_construct=hnsw.ef_construct, full_scan_threshold=hnsw.full_scan_threshold_kb
                ),
                optimizers_config=models.OptimizersConfigDiff(indexing_threshold=hnsw.indexing_threshold_kb),
                shard_number=self.sharding.shards,
                replication_factor=self.sharding.replicas,
                write_consistency_factor=self.sharding.write_consistency,
            ),
            doing,
        )
        if (hedged := hedged_reads(self.sharding)) is not None:
            await ask(self.client.update_collection(name, collection_params=hedged), doing)
        for field, field_type in schema.indexed.items():
            # Before the first point, so that the graph gets the edges that keep filtered searches connected.
            await ask(self.client.create_payload_index(name, field, _INDEXES[field_type], wait=True), doing)

    async def upsert(self, collection: str, points: PointBatch) -> None:
        for start in range(0, len(points.rows), _UPSERT_CHUNK):
            part = slice(start, start + _UPSERT_CHUNK)
            columns = [matrix[part].tolist() for matrix in points.vectors.values()]
            named: list[dict[str, Any]] = [
                dict(zip(points.vectors, vectors, strict=True)) for vectors in zip(*columns, strict=True)
            ]
            for name, rows in points.sparse.items():
                for place, at in enumerate(range(*part.indices(len(rows)))):
                    if len(words := rows.row(at)):
                        named[place][name] = _sparse(words)
            chunk = [
                models.PointStruct(id=row, vector=vectors, payload=engine_payload(payload, points.extra_fields))
                for row, payload, vectors in zip(points.rows[part], points.payloads[part], named, strict=True)
            ]
            await ask(
                self.client.upsert(self._name(collection), chunk, wait=True), f"write to collection {collection!r}"
            )

    async def optimise(self, collection: str) -> None:
        name, doing = self._name(collection), f"optimise collection {collection!r}"
        give_up_at, pause_s = time.monotonic() + self._optimise_timeout_s, 0.05
        num_idle = 0
        # Twice in a row: between two rounds of merging a server looks idle for a moment.
        while num_idle < 2:
            info = await ask(self.client.get_collection(name), doing)
            if info.optimizer_status != models.OptimizersStatusOneOf.OK or info.status == models.CollectionStatus.RED:
                raise StoreError(f"could not {doing}: the server's optimiser failed: {info.optimizer_status}")
            if info.status == models.CollectionStatus.GREY:
                # Work is planned and not begun, as after a restart of the server; any change of settings begins it.
                await ask(self.client.update_collection(name, optimizers_config=models.OptimizersConfigDiff()), doing)
            num_idle = num_idle + 1 if info.status == models.CollectionStatus.GREEN else 0
            if time.monotonic() > give_up_at:
                raise StoreError(
                    f"collection {collection!r} is still {info.status.value} after {self._optimise_timeout_s:.0f} s: "
                    "look at the server's load and log; building again starts over"
                )
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def open(self, collection: str) -> None:
        if not await ask(self.client.collection_exists(self._name(collection)), f"open collection {collection!r}"):
            raise CollectionMissingError(f"collection {collection!r} is not there ({self._name(collection)})")

    async def count(self, collection: str, where: Filter | None = None) -> int:
        counted = await ask(
            self.client.count(
                self._name(collection), count_filter=None if where is None else self.prepare(where), exact=True
            ),
            f"count collection {collection!r}",
        )
        return counted.count

    def prepare(self, where: Filter) -> grpc.Filter:
        return RestToGrpc.convert_filter(server_filter(where))

    async def nearest(
        self,
        collection: str,
        vector: NDArray[np.float32],
        *,
        using: str,
        where: grpc.Filter | None,
        limit: int,
        params: SearchParams,
    ) -> Ranked:
        query, name, search_params = vector.tolist(), self._name(collection), _search_params(params)
        answer = await self._reads.read(
            lambda client, timeout_s: client.query_points(
                name,
                query=query,
                using=using,
                query_filter=where,
                search_params=search_params,
                limit=limit,
                with_payload=False,
                with_vectors=False,
                timeout=timeout_s,
            ),
            f"search collection {collection!r}",
        )
        return Ranked([int(hit.id) for hit in answer.points], [hit.score for hit in answer.points])

    async def matching(
        self, collection: str, words: Sparse, *, using: str, where: grpc.Filter | None, limit: int
    ) -> Ranked:
        query, name = _sparse(words), self._name(collection)
        answer = await self._reads.read(
            lambda client, timeout_s: client.query_points(
                name,
                query=query,
                using=using,
                query_filter=where,
                limit=limit,
                with_payload=False,
                with_vectors=False,
                timeout=timeout_s,
            ),
            f"search words of collection {collection!r}",
        )
        return Ranked([int(hit.id) for hit in answer.points], [hit.score for hit in answer.points])

    async def vectors(self, collection: str, rows: Sequence[int], *, using: str) -> Vectors:
        ids: list[models.ExtendedPointId] = [int(row) for row in rows]
        if not ids:
            raise StoreError("vectors were asked for without naming a row")
        name = self._name(collection)
        records = await self._reads.read(
            lambda client, timeout_s: client.retrieve(
                name, ids, with_payload=False, with_vectors=[using], timeout=timeout_s
            ),
            f"read vectors of collection {collection!r}",
        )
        found = {record.id: record.vector[using] for record in records if isinstance(record.vector, dict)}
        missing = [row for row in ids if row not in found]
        if missing:
            raise StoreError(f"collection {collection!r} has no {using!r} vector for rows {missing[:10]}")
        return np.array([found[row] for row in ids], dtype=np.float32)

    async def collections(self) -> list[str]:
        answer = await ask(self.client.get_collections(), "list collections")
        names = (found.name.removeprefix(self._prefix) for found in answer.collections if self._owns(found.name))
        return sorted(name for name in names if not name.startswith("."))

    async def drop(self, collection: str) -> None:
        if await self.live() == collection:
            # The server would remove the alias with it, and leave nothing live.
            raise StoreError(f"collection {collection!r} is live: make another one live before dropping it")
        await ask(self.client.delete_collection(self._name(collection)), f"drop collection {collection!r}")

    async def live(self) -> str | None:
        answer = await ask(self.client.get_aliases(), "read the live alias")
        for alias in answer.aliases:
            if alias.alias_name == self._alias:
                if not self._owns(alias.collection_name):
                    raise StoreError(
                        f"alias {self._alias!r} should name a collection that begins with {self._prefix!r}, it names "
                        f"{alias.collection_name!r}: remove the alias, then activate a release again"
                    )
                return alias.collection_name.removeprefix(self._prefix)
        return None

    async def set_live(self, collection: str) -> None:
        create = models.CreateAliasOperation(
            create_alias=models.CreateAlias(collection_name=self._name(collection), alias_name=self._alias)
        )
        delete = models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=self._alias))
        # In one request: the server does both or none, and no query sees the time between.
        changes: list[models.AliasOperations] = [create] if await self.live() is None else [delete, create]
        await ask(self.client.update_collection_aliases(changes), f"make collection {collection!r} live")

    async def trouble(self) -> str | None:
        return await self._reads.trouble()

    async def close(self) -> None:
        await self.client.close()

    def _name(self, collection: str) -> str:
        return f"{self._prefix}{collection}"

    def _owns(self, name: str) -> bool:
        return name.startswith(self._prefix)


def hedged_reads(sharding: Sharding) -> models.CollectionParamsDiff | None:
    """What makes a node ask another copy where the first is slow; None where there is one copy of each shard."""
    return models.CollectionParamsDiff(read_fan_out_delay_ms=_HEDGE_AFTER_MS) if sharding.replicas > 1 else None


def _sparse(words: Sparse) -> models.SparseVector:
    return models.SparseVector(indices=words.indices.tolist(), values=words.values.tolist())


@lru_cache(maxsize=64)
def _search_params(params: SearchParams) -> grpc.SearchParams:
    # The plan has decided already: without the 1.0 the engine would leave ACORN out above 40 % selectivity.
    acorn = models.AcornSearchParams(enable=True, max_selectivity=1.0) if params.acorn else None
    return RestToGrpc.convert_search_params(models.SearchParams(hnsw_ef=params.ef, exact=params.exact, acorn=acorn))
