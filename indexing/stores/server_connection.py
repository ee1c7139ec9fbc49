"""The store on a Qdrant server: where it is, how long it is waited for, and what is said when it is not there."""

import time
from urllib.parse import urlsplit

from grpc import RpcError, StatusCode  # type: ignore[import-untyped]
from qdrant_client import AsyncQdrantClient, QdrantClient
from qdrant_client.http.exceptions import ApiException

from indexing.errors import StoreError
from indexing.settings import IndexingSettings
from indexing.stores.server import ServerStore
from indexing.stores.sharding import sharding_of

_REST_PORT = 6333
# A server that starts beside us (docker compose) answers within seconds.
_WAIT_S = 10.0
_PAUSE_S = 0.5
# A batch of writes with wait, on a server that is optimising.
_TIMEOUT_S = 60


def open_server(settings: IndexingSettings, wait_s: float = _WAIT_S) -> ServerStore:
    """The store of `settings`; StoreError when its server does not answer within `wait_s`.

    gRPC is expected on the port after that of the address, as Qdrant has them (6333 and 6334).
    """
    if settings.qdrant_url is None:
        raise StoreError("qdrant_url names no server")
    url, api_key = settings.qdrant_url, settings.qdrant_api_key
    grpc_port, sharding = _grpc_port(url), sharding_of(settings)
    _wait_for_server(url, grpc_port, api_key, wait_s)
    client = AsyncQdrantClient(
        url=url,
        grpc_port=grpc_port,
        prefer_grpc=True,
        api_key=api_key,
        timeout=_TIMEOUT_S,
        # It would ask from a thread and only warn; the server has answered just now.
        check_compatibility=False,
    )
    return ServerStore(client, settings.qdrant_prefix, sharding=sharding)


def _grpc_port(url: str) -> int:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise StoreError(f"qdrant_url should look like http://host:6333, {url!r} came")
    try:
        return (parts.port or _REST_PORT) + 1
    except ValueError as error:
        raise StoreError(f"qdrant_url should look like http://host:6333, {url!r} came: {error}") from error


def _wait_for_server(url: str, grpc_port: int, api_key: str | None, wait_s: float) -> None:
    client = QdrantClient(
        url=url, grpc_port=grpc_port, prefer_grpc=True, api_key=api_key, timeout=2, check_compatibility=False
    )
    give_up_at = time.monotonic() + wait_s
    try:
        while True:
            try:
                client.get_collections()
            except (RpcError, ApiException) as error:
                if not _may_pass(error) or time.monotonic() >= give_up_at:
                    raise StoreError(_unreachable(url, grpc_port, error)) from error
                time.sleep(_PAUSE_S)
            else:
                return
    finally:
        client.close()


def _may_pass(error: Exception) -> bool:
    """Whether waiting can help: a wrong key stays wrong."""
    return not isinstance(error, RpcError) or error.code() in (StatusCode.UNAVAILABLE, StatusCode.DEADLINE_EXCEEDED)


def _unreachable(url: str, grpc_port: int, error: Exception) -> str:
    words = f"{error.code().name}: {error.details()}" if isinstance(error, RpcError) else str(error)
    return (
        f"no Qdrant server answered at {url} (gRPC on port {grpc_port}): {words}. Check that it runs "
        f"(docker compose up -d qdrant), that qdrant_url names it, that port {grpc_port} is reachable too, and "
        "qdrant_api_key; or leave qdrant_url out to use the embedded store"
    )
