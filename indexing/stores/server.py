"""The vector store on a Qdrant server: collections of one prefix, through the `query` family.

PREFIX.NAME   collection NAME
A prefix has no dot in it, so no two stores' names can meet.

Filters and search parameters are sent as the protobuf messages that the wire takes, made once and used in any
number of queries; the client takes them whichever transport it was made for.
"""

from collections.abc import Collection, Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qdrant_client import AsyncQdrantClient, grpc, models
from qdrant_client.conversions.conversion import RestToGrpc

from embedding.protocols import Vectors
from indexing.errors import CollectionMissingError, StoreError, VerificationError
from indexing.filters.algebra import Filter
from indexing.payload.payload import engine_payload
from indexing.stores.contract import CollectionSchema, PointBatch, Ranked, SearchParams
from indexing.stores.hnsw import HnswSettings
from indexing.stores.server_copies import copies_of, points_in, unlike
from indexing.stores.server_creation import CollectionMaker
from indexing.stores.server_endpoint import Endpoint
from indexing.stores.server_endpoints import Endpoints
from indexing.stores.server_errors import ask
from indexing.stores.server_filter import server_filter
from indexing.stores.server_optimising import Optimising
from indexing.stores.server_owner import PrefixOwner
from indexing.stores.server_retries import Patience, ask_again, write_again
from indexing.stores.sharding import Sharding
from indexing.stores.verification import StoredPoint, check_count, check_points
from indexing.words.sparse import Sparse

# 64-d and 384-d vectors of 250 points are .5 MB on the wire, a server takes 32.
_CHUNK = 250
# Of what every copy must give alike: the client takes no word for it.
_EVERY_COPY = models.ReadConsistencyType.ALL


class ServerStore:
    """The contract of `VectorStore` on the server that `client` speaks to; `close` closes the client.

    Collections begin with `prefix`, and belong to the state `state_id`; those made from now on lie on the server's
    nodes as `sharding` says. What a node's absence hinders is tried again as long as `patience` says.
    """

    def __init__(
        self,
        client: AsyncQdrantClient,
        prefix: str,
        hnsw: HnswSettings | None = None,
        sharding: Sharding | None = None,
        state_id: str | None = None,
        patience: Patience | None = None,
        reads: Endpoints | None = None,
    ) -> None:
        """`reads`: where queries are asked, where `client` is not the only address."""
        self.client, self.prefix, self.sharding = client, prefix, sharding or Sharding()
        self._reads = reads or Endpoints([Endpoint("the server", client)])
        self._prefix = f"{prefix}."
        self._patience = patience or Patience()
        self._owner = PrefixOwner(client, prefix, state_id)
        self._maker = CollectionMaker(client, self._owner, hnsw or HnswSettings(), self.sharding, self._patience)

    async def create(self, collection: str, schema: CollectionSchema) -> None:
        name, doing = self._name(collection), f"create collection {collection!r}"
        if name in await ask_again(self._owner.names, doing, self._patience.calls_s):
            raise StoreError(f"collection {collection!r} is there already ({name} on the server): drop it first")
        await self._maker.make(name, schema, doing)

    async def upsert(self, collection: str, points: PointBatch) -> None:
        for start in range(0, len(points.rows), _CHUNK):
            part = slice(start, start + _CHUNK)
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
            # Written again, a row is what it was: until every copy has it.
            name = self._name(collection)
            await write_again(
                self.client,
                name,
                partial(self.client.upsert, name, chunk, wait=True),
                f"write to collection {collection!r}",
                self._patience.writes_s,
            )

    async def optimise(self, collection: str) -> None:
        doing = f"optimise collection {collection!r}"
        await Optimising(self.client, self._name(collection), doing, self._patience).finish()

    async def verify(self, collection: str, num_points: int, written: PointBatch) -> None:
        name, doing = self._name(collection), f"verify collection {collection!r}"
        copies = await ask_again(partial(copies_of, self.client, name, doing), doing, self._patience.writes_s)
        if different := unlike(copies):
            raise VerificationError(f"copies of collection {collection!r} differ: {different}; build again")
        check_count(collection, num_points, points_in(copies))
        stored: dict[int, StoredPoint] = {}
        for start in range(0, len(written.rows), _CHUNK):
            ids: list[models.ExtendedPointId] = list(written.rows[start : start + _CHUNK])
            # What the copies do not give alike is left out of the answer.
            read = partial(
                self.client.retrieve, name, ids, with_payload=True, with_vectors=True, consistency=_EVERY_COPY
            )
            for record in await ask_again(read, doing, self._patience.writes_s):
                stored[int(record.id)] = StoredPoint.of(record.vector, record.payload)
        check_points(collection, written, stored)

    async def open(self, collection: str) -> None:
        doing = f"open collection {collection!r}"
        if self._name(collection) not in await ask(self._owner.names(), doing):
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
        names = (name.removeprefix(self._prefix) for name in await self._owner.names())
        return [name for name in names if not name.startswith(".")]

    async def leftovers(self, known: Collection[str]) -> list[str]:
        own = (name.removeprefix(self._prefix) for name in self._owner.own(await self._owner.names()))
        return [name for name in own if name not in known]

    async def drop(self, collection: str) -> None:
        await ask_again(
            partial(self.client.delete_collection, self._name(collection)),
            f"drop collection {collection!r}",
            self._patience.calls_s,
        )

    async def trouble(self) -> str | None:
        return await self._reads.trouble()

    async def close(self) -> None:
        await self.client.close()

    def _name(self, collection: str) -> str:
        return f"{self._prefix}{collection}"


def _sparse(words: Sparse) -> models.SparseVector:
    return models.SparseVector(indices=words.indices.tolist(), values=words.values.tolist())


@lru_cache(maxsize=64)
def _search_params(params: SearchParams) -> grpc.SearchParams:
    # The plan has decided already: without the 1.0 the engine would leave ACORN out above 40 % selectivity.
    acorn = models.AcornSearchParams(enable=True, max_selectivity=1.0) if params.acorn else None
    return RestToGrpc.convert_search_params(models.SearchParams(hnsw_ef=params.ef, exact=params.exact, acorn=acorn))
