"""A server in memory with some answers that only one under way or in trouble gives."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

from grpc import StatusCode  # type: ignore[import-untyped]
from grpc.aio import AioRpcError, Metadata  # type: ignore[import-untyped]
from qdrant_client import models

from indexing.stores.server import ServerStore
from indexing.stores.server_retries import Patience
from indexing.stores.sharding import Sharding
from tests.indexing.over_grpc import OverGrpc, memory_client

T = TypeVar("T")
PATIENT = Patience(calls_s=5, writes_s=5, optimise_s=60)


def rpc_error(code: StatusCode, details: str) -> AioRpcError:
    return AioRpcError(code, Metadata(), Metadata(), details=details)


class Scripted(OverGrpc):
    """Memory mode; what its calls raise, and what it says of its copies, can be set."""

    def __init__(self) -> None:
        super().__init__(location=":memory:")
        self.looks: Iterator[list[models.DistributedReplicaTelemetry]] | None = None
        self.optimiser: Any = models.OptimizersStatusOneOf.OK
        self.error: Exception | None = None
        self.num_nudges = 0
        # What the next calls of a name raise, in place of an answer or after the work was done.
        self.before: dict[str, list[Exception]] = {}
        self.after: dict[str, list[Exception]] = {}
        self.num_calls: Counter[str] = Counter()

    async def get_collection(self, *args: Any, **kwargs: Any) -> models.CollectionInfo:
        found = await super().get_collection(*args, **kwargs)
        return found.model_copy(update={"optimizer_status": self.optimiser})

    async def cluster_telemetry(self, **kwargs: Any) -> models.DistributedTelemetryData:
        if self.looks is None:
            return await super().cluster_telemetry(**kwargs)
        shards = [models.DistributedShardTelemetry(id=0, replicas=next(self.looks))]
        collections = {"near.c": models.DistributedCollectionTelemetry(id="near.c", shards=shards)}
        return models.DistributedTelemetryData(collections=collections)

    async def count(self, collection_name: str, *args: Any, **kwargs: Any) -> models.CountResult:
        if self.error is not None:
            raise self.error
        return await super().count(collection_name, *args, **kwargs)

    async def update_collection(self, *_: Any, **__: Any) -> bool:
        self.num_nudges += 1
        return True

    async def create_collection(self, *args: Any, **kwargs: Any) -> bool:
        return await self._troubled("create", lambda: super(Scripted, self).create_collection(*args, **kwargs))

    async def create_payload_index(self, *args: Any, **kwargs: Any) -> models.UpdateResult:
        return await self._troubled("index", lambda: super(Scripted, self).create_payload_index(*args, **kwargs))

    async def delete_collection(self, *args: Any, **kwargs: Any) -> bool:
        return await self._troubled("drop", lambda: super(Scripted, self).delete_collection(*args, **kwargs))

    async def upsert(self, *args: Any, **kwargs: Any) -> models.UpdateResult:
        return await self._troubled("upsert", lambda: super(Scripted, self).upsert(*args, **kwargs))

    async def _troubled(self, call: str, work: Callable[[], Awaitable[T]]) -> T:
        self.num_calls[call] += 1
        if errors := self.before.get(call):
            raise errors.pop()
        done = await work()
        if errors := self.after.get(call):
            raise errors.pop()
        return done


def store_on(server: Scripted, sharding: Sharding | None = None, patience: Patience = PATIENT) -> ServerStore:
    """A store under the prefix `near` on this server."""
    client = memory_client()
    client._client = server
    return ServerStore(client, "near", sharding=sharding, patience=patience)
