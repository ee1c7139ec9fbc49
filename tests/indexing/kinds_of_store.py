"""One world of collections for a test, on each kind of store; every store opened in it is one more process."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit
from uuid import uuid4

from qdrant_client import AsyncQdrantClient, QdrantClient, models

from indexing.state.contract import StateStore
from indexing.state.files import FilesState
from indexing.state.postgres import PostgresState
from indexing.stores.contract import VectorStore
from indexing.stores.edge import EdgeStore
from indexing.stores.hnsw import HnswSettings
from indexing.stores.server import ServerStore
from indexing.stores.server_retries import Patience
from indexing.stores.sharding import Sharding
from tests.indexing.over_grpc import memory_client
from tests.postgres_server import shared_server

Kind = Literal["embedded", "memory", "server"]

SERVER_URL = os.environ.get("NEARFIELD_TEST_QDRANT_URL")
KINDS: tuple[Kind, ...] = ("embedded", "memory", "server") if SERVER_URL else ("embedded", "memory")
# A graph over the few points of a test, where the engine would scan them all.
GRAPH_AT_ONCE = HnswSettings(full_scan_threshold_kb=10, indexing_threshold_kb=1)
STATE_ID = "11111111-2222-3333-4444-555555555555"
# In memory nothing comes back by itself.
AT_ONCE = Patience(calls_s=0, writes_s=0, optimise_s=60)

_IN_MEMORY = Path("/dev/shm")
_ENOUGH_BYTES = 2 << 30


@contextmanager
def quick_folder(otherwise: Path) -> Iterator[Path]:
    """A folder in memory where there is room: making a shard flushes dozens of files, 1 s on a busy disk."""
    if not _IN_MEMORY.is_dir() or shutil.disk_usage(_IN_MEMORY).free < _ENOUGH_BYTES:
        yield otherwise
        return
    with TemporaryDirectory(prefix="nearfield-test-", dir=_IN_MEMORY) as folder:
        yield Path(folder)


class Stores(Protocol):
    """A world of collections, empty at first. `data_dir` is where releases may lie beside an embedded store."""

    kind: Kind
    data_dir: Path

    def open(self, hnsw: HnswSettings | None = None) -> VectorStore:
        """One more store on this world, as another process would have it; its user closes it."""

    def state(self) -> StateStore:
        """The state of this world, as another process would have it; its user closes it."""


class EmbeddedStores:
    """Shards below `data_dir`."""

    kind: Kind = "embedded"

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir

    def open(self, hnsw: HnswSettings | None = None) -> VectorStore:
        """A store with shards of its own in memory, over the same folder."""
        return EdgeStore(self.data_dir / "releases", hnsw)

    def state(self) -> StateStore:
        """Files, as where nothing else is set."""
        return FilesState(self.data_dir)


class MemoryStores:
    """Memory mode behind the wire; all stores share one client."""

    kind: Kind = "memory"

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self._client = memory_client()
        self._database: str | None = None

    def open(self, hnsw: HnswSettings | None = None) -> VectorStore:
        """A store over the shared client."""
        return ServerStore(self._client, "test", hnsw, state_id=STATE_ID, patience=AT_ONCE)

    def state(self) -> StateStore:
        """A database, as on many hosts."""
        self._database = self._database or shared_server().new_database()
        return PostgresState(self._database, "test")


class ServerStores:
    """A real server, under a prefix of its own."""

    kind: Kind = "server"

    def __init__(self, data_dir: Path, url: str, prefix: str, sharding: Sharding | None = None) -> None:
        self.data_dir = data_dir
        self._url, self._prefix, self._sharding = url, prefix, sharding
        self._database = shared_server().new_database()

    def state(self) -> StateStore:
        """A database, as on many hosts."""
        return PostgresState(self._database, "test")

    def open(self, hnsw: HnswSettings | None = None) -> VectorStore:
        """A store over a client of its own, made for the loop that first uses it."""
        return ServerStore(client_of(self._url), self._prefix, hnsw, self._sharding, STATE_ID)


@contextmanager
def stores_of(kind: Kind, data_dir: Path) -> Iterator[Stores]:
    """An empty world, removed afterwards."""
    if kind == "embedded":
        yield EmbeddedStores(data_dir)
    elif kind == "memory":
        yield MemoryStores(data_dir)
    else:
        assert SERVER_URL is not None
        with stores_on_server(data_dir, SERVER_URL) as world:
            yield world


@contextmanager
def stores_on_server(data_dir: Path, url: str, sharding: Sharding | None = None) -> Iterator[ServerStores]:
    """An empty world on this server, removed afterwards."""
    prefix = f"test-{uuid4().hex[:12]}"
    try:
        yield ServerStores(data_dir, url, prefix, sharding)
    finally:
        _clean(url, prefix)


def client_of(url: str) -> AsyncQdrantClient:
    """A client of a real server, for the loop that first uses it."""
    return AsyncQdrantClient(**_where(url))


def _where(url: str) -> dict[str, Any]:
    """The server as a client takes it: with gRPC on the port after that of the address, as the product has it."""
    grpc_port = (urlsplit(url).port or 6333) + 1
    return {"url": url, "grpc_port": grpc_port, "prefer_grpc": True, "timeout": 60, "check_compatibility": False}


def _clean(url: str, prefix: str) -> None:
    client = QdrantClient(**_where(url))
    for alias in client.get_aliases().aliases:
        if alias.alias_name.startswith(prefix):
            gone = models.DeleteAlias(alias_name=alias.alias_name)
            client.update_collection_aliases([models.DeleteAliasOperation(delete_alias=gone)])
    for collection in client.get_collections().collections:
        if collection.name.startswith(prefix):
            client.delete_collection(collection.name)
    client.close()
