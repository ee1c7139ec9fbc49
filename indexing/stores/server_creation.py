"""How a collection is made on a server: its vectors, its graph, its copies, whose it is, and its payload indexes."""

from collections.abc import Awaitable, Callable
from uuid import uuid4

from qdrant_client import AsyncQdrantClient, models

from indexing.errors import StoreError
from indexing.payload.payload import FieldType
from indexing.stores.contract import CollectionSchema
from indexing.stores.hnsw import HnswSettings
from indexing.stores.server_copies import copies_of, too_few
from indexing.stores.server_errors import ask
from indexing.stores.server_owner import PrefixOwner
from indexing.stores.server_retries import Patience, ask_again, write_again
from indexing.stores.sharding import Sharding

_INDEXES: dict[FieldType, models.PayloadSchemaParams] = {
    "keyword": models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD),
    "code": models.IntegerIndexParams(type=models.IntegerIndexType.INTEGER, lookup=True, range=False),
    # No graph edges for ranges: they double the time to optimise, and a range meets them by chance alone.
    "integer": models.IntegerIndexParams(
        type=models.IntegerIndexType.INTEGER, lookup=True, range=True, enable_hnsw=False
    ),
    "float": models.FloatIndexParams(type=models.FloatIndexType.FLOAT, enable_hnsw=False),
}
# A search takes milliseconds: a copy that takes so long is stopped, cut off or overrun, and another one is asked too.
_HEDGED = models.CollectionParamsDiff(read_fan_out_delay_ms=100)


class CollectionMaker:
    """Makes collections with these settings; each step is tried again as long as `patience` says."""

    def __init__(
        self,
        client: AsyncQdrantClient,
        owner: PrefixOwner,
        hnsw: HnswSettings,
        sharding: Sharding,
        patience: Patience,
    ) -> None:
        self._client, self._owner, self._patience = client, owner, patience
        self._hnsw, self._sharding = hnsw, sharding

    async def make(self, name: str, schema: CollectionSchema, doing: str) -> None:
        """Make the collection by its full name; StoreError when it is there or gets fewer copies than it should."""
        await ask_again(self._attempt(name, schema, doing), doing, self._patience.calls_s)
        if self._sharding.replicas > 1:
            copies = await ask_again(lambda: copies_of(self._client, name, doing), doing, self._patience.calls_s)
            fewer = too_few(copies, self._sharding.replicas)
            if fewer is not None:
                # The server makes as many as it has nodes, and says nothing.
                raise StoreError(
                    f"could not {doing}: expected {self._sharding.replicas} copies of each shard (qdrant_replicas), "
                    f"{fewer}. Add nodes to the cluster, or ask for fewer copies"
                )
            await ask_again(
                lambda: self._client.update_collection(name, collection_params=_HEDGED), doing, self._patience.calls_s
            )
        for field, field_type in schema.indexed.items():
            # Before the first point, so that the graph gets the edges that keep filtered searches connected. It is
            # a write to every copy, those of nodes that are away too.
            await write_again(self._client, name, self._index(name, field, field_type), doing, self._patience.writes_s)

    def _attempt(self, name: str, schema: CollectionSchema, doing: str) -> Callable[[], Awaitable[None]]:
        attempt = uuid4().hex

        async def create() -> None:
            try:
                await ask(self._create(name, schema, attempt), doing)
            except StoreError:
                # A leader that died may have passed the first try on all the same.
                if not await self._owner.made_by(name, attempt):
                    raise

        return create

    async def _create(self, name: str, schema: CollectionSchema, attempt: str) -> None:
        hnsw = self._hnsw
        await self._client.create_collection(
            name,
            vectors_config={
                vector: models.VectorParams(size=dims, distance=models.Distance.DOT)
                for vector, dims in schema.vectors.items()
            },
            sparse_vectors_config={sparse: models.SparseVectorParams() for sparse in schema.sparse},
            hnsw_config=models.HnswConfigDiff(
                m=hnsw.m, ef_construct=hnsw.ef_construct, full_scan_threshold=hnsw.full_scan_threshold_kb
            ),
            optimizers_config=models.OptimizersConfigDiff(indexing_threshold=hnsw.indexing_threshold_kb),
            shard_number=self._sharding.shards,
            replication_factor=self._sharding.replicas,
            # A copy that missed a write stays active without it, for good: a write is done when all copies have it.
            write_consistency_factor=self._sharding.replicas,
            metadata=self._owner.mark(attempt),
        )

    def _index(self, name: str, field: str, field_type: FieldType) -> Callable[[], Awaitable[object]]:
        return lambda: self._client.create_payload_index(name, field, _INDEXES[field_type], wait=True)
