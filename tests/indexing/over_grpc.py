"""The official client's memory mode behind the wire: each request and answer goes through its own gRPC conversion.

It stands where the client's remote half stands, and does what that does: build the protobuf message. Then the bytes
are read back as a server would, converted to REST models, and answered by memory mode.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from qdrant_client import AsyncQdrantClient, grpc
from qdrant_client.conversions.conversion import GrpcToRest, RestToGrpc
from qdrant_client.http import models
from qdrant_client.local.async_qdrant_local import AsyncQdrantLocal


def memory_client() -> "SharedClient":
    """A client of an empty server in memory, for any number of stores to share."""
    client = SharedClient(location=":memory:")
    client._client = OverGrpc(location=":memory:")
    return client


class SharedClient(AsyncQdrantClient):
    """What is in memory outlives the store that was closed, as a server does."""

    async def close(self, grpc_grace: float | None = None, **_: Any) -> None:
        """Let go of nothing."""


class OverGrpc(AsyncQdrantLocal):
    """Memory mode that takes protobuf messages. Each method takes the parameters that a store sends, and no others.

    `created` has the message that made each collection, as the server read it: memory mode ignores most of it.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.created: dict[str, grpc.CreateCollection] = {}

    async def upsert(  # type: ignore[override]
        self, collection_name: str, points: Any, update_mode: Any = None, **_: Any
    ) -> models.UpdateResult:
        message = grpc.UpsertPoints(
            collection_name=collection_name,
            points=[RestToGrpc.convert_point_struct(point) for point in points],
        )
        if update_mode is not None:
            message.update_mode = cast("Any", RestToGrpc.convert_update_mode(update_mode))
        sent = grpc.UpsertPoints.FromString(message.SerializeToString())
        return await super().upsert(
            sent.collection_name,
            [GrpcToRest.convert_point_struct(p) for p in sent.points],
            update_mode=GrpcToRest.convert_update_mode(sent.update_mode) if sent.HasField("update_mode") else None,
        )

    async def scroll(  # type: ignore[override]
        self, collection_name: str, limit: int = 10, offset: Any = None, **_: Any
    ) -> tuple[list[models.Record], Any]:
        message = grpc.ScrollPoints(
            collection_name=collection_name, limit=limit, offset=RestToGrpc.convert_extended_point_id(offset)
        )
        sent = grpc.ScrollPoints.FromString(message.SerializeToString())
        found, after = await super().scroll(
            sent.collection_name, limit=sent.limit, offset=GrpcToRest.convert_point_id(sent.offset), with_payload=True
        )
        return [GrpcToRest.convert_retrieved_point(RestToGrpc.convert_record(record)) for record in found], after

    async def query_points(  # type: ignore[override]
        self,
        collection_name: str,
        query: Any = None,
        using: str | None = None,
        query_filter: Any = None,
        search_params: Any = None,
        limit: int = 10,
        timeout: int | None = None,
        **_: Any,
    ) -> models.QueryResponse:
        message = grpc.QueryPoints(
            collection_name=collection_name,
            query=RestToGrpc.convert_query(query),
            filter=query_filter,
            params=search_params,
            limit=limit,
            using=using,
            timeout=timeout,
        )
        sent = grpc.QueryPoints.FromString(message.SerializeToString())
        with _memory_mode_says_what_it_lacks():
            answer = await super().query_points(
                sent.collection_name,
                query=GrpcToRest.convert_query(sent.query),
                using=sent.using,
                query_filter=GrpcToRest.convert_filter(sent.filter) if sent.HasField("filter") else None,
                search_params=GrpcToRest.convert_search_params(sent.params),
                limit=sent.limit,
                with_payload=False,
            )
        hits = [GrpcToRest.convert_scored_point(RestToGrpc.convert_scored_point(hit)) for hit in answer.points]
        return models.QueryResponse(points=hits)

    async def count(
        self, collection_name: str, count_filter: Any = None, exact: bool = True, **_: Any
    ) -> models.CountResult:
        message = grpc.CountPoints(collection_name=collection_name, filter=count_filter, exact=exact)
        sent = grpc.CountPoints.FromString(message.SerializeToString())
        where = GrpcToRest.convert_filter(sent.filter) if sent.HasField("filter") else None
        return await super().count(sent.collection_name, count_filter=where, exact=sent.exact)

    async def update_collection_aliases(self, change_aliases_operations: Sequence[Any], **_: Any) -> bool:
        message = grpc.ChangeAliases(
            actions=[RestToGrpc.convert_alias_operations(c) for c in change_aliases_operations]
        )
        sent = grpc.ChangeAliases.FromString(message.SerializeToString())
        return await super().update_collection_aliases([GrpcToRest.convert_alias_operations(a) for a in sent.actions])

    async def create_collection(  # type: ignore[override]
        self,
        collection_name: str,
        vectors_config: Any = None,
        sparse_vectors_config: Any = None,
        hnsw_config: Any = None,
        shard_number: int | None = None,
        replication_factor: int | None = None,
        write_consistency_factor: int | None = None,
        metadata: dict[str, Any] | None = None,
        **_: Any,
    ) -> bool:
        message = grpc.CreateCollection(
            collection_name=collection_name,
            vectors_config=RestToGrpc.convert_vectors_config(vectors_config),
            sparse_vectors_config=RestToGrpc.convert_sparse_vector_config(sparse_vectors_config or {}),
            hnsw_config=None if hnsw_config is None else RestToGrpc.convert_hnsw_config_diff(hnsw_config),
            shard_number=shard_number,
            replication_factor=replication_factor,
            write_consistency_factor=write_consistency_factor,
            metadata=RestToGrpc.convert_payload(metadata or {}),
        )
        sent = grpc.CreateCollection.FromString(message.SerializeToString())
        self.created[collection_name] = sent
        return await super().create_collection(
            sent.collection_name,
            vectors_config=GrpcToRest.convert_vectors_config(sent.vectors_config),
            sparse_vectors_config=GrpcToRest.convert_sparse_vector_config(sent.sparse_vectors_config),
            metadata=GrpcToRest.convert_payload(sent.metadata),
        )

    async def cluster_telemetry(self, **_: Any) -> models.DistributedTelemetryData:
        """A cluster of as many nodes as the collections were to have copies; each node has a copy of the one shard."""
        collections = {}
        for name, collection in self.collections.items():
            num_points = collection.count().count
            copies = [
                models.DistributedReplicaTelemetry(
                    peer_id=node,
                    state=models.ReplicaState.ACTIVE,
                    status=models.ShardStatus.GREEN,
                    num_points=num_points,
                )
                for node in range(self.created[name].replication_factor)
            ]
            shards = [models.DistributedShardTelemetry(id=0, replicas=copies)]
            collections[name] = models.DistributedCollectionTelemetry(id=name, shards=shards)
        return models.DistributedTelemetryData(collections=collections)

    async def cluster_status(self) -> models.ClusterStatus:
        """One of several nodes."""
        raft = models.RaftInfo(term=1, commit=1, pending_operations=0, leader=0, role=None, is_voter=True)
        working = models.ConsensusThreadStatusOneOf1(consensus_thread_status="stopped")
        return models.ClusterStatusOneOf1(
            status="enabled",
            peer_id=0,
            peers={},
            raft_info=raft,
            consensus_thread_status=working,
            message_send_failures={},
        )

    async def create_payload_index(  # type: ignore[override]
        self, collection_name: str, field_name: str, field_schema: Any = None, **_: Any
    ) -> models.UpdateResult:
        params = RestToGrpc.convert_payload_schema_params(field_schema)
        sent = grpc.PayloadIndexParams.FromString(params.SerializeToString())
        with _memory_mode_says_what_it_lacks():
            return await super().create_payload_index(
                collection_name, field_name, GrpcToRest.convert_payload_schema_params(sent)
            )


@contextmanager
def _memory_mode_says_what_it_lacks() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Payload indexes have no effect in the local Qdrant", UserWarning)
        warnings.filterwarnings("ignore", "Local mode performs exact", UserWarning)
        yield
