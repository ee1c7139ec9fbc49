"""The store on a Qdrant server: how its addresses are reached, and what is said when none answers."""

import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Event
from typing import TypeVar, cast

from grpc import RpcError, StatusCode  # type: ignore[import-untyped]
from qdrant_client import AsyncQdrantClient, QdrantClient
from qdrant_client.http.exceptions import ApiException

from indexing.errors import StoreError
from indexing.settings import IndexingSettings
from indexing.stores.server import ServerStore
from indexing.stores.server_addresses import Address, addresses_of
from indexing.stores.server_any_client import AnyClient
from indexing.stores.server_endpoint import Endpoint
from indexing.stores.server_endpoints import Endpoints
from indexing.stores.server_errors import words_of
from indexing.stores.sharding import sharding_of

# A server that starts beside us (docker compose) answers within seconds.
_WAIT_S = 10.0
_PAUSE_S = 0.5
_CHECK_TIMEOUT_S = 2
# What others may still take when one has answered.
_GRACE_S = 0.5
# Of writes and builds: a batch with wait, on a server that is optimising.
_TIMEOUT_S = 60
# A connection that was lost is tried again at once and then every quarter of a second (gRPC's own: up to two minutes),
# and one over which nothing comes back for so long is given up: behind a cut the kernel would send again ever later.
_CHANNEL = {
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.min_reconnect_backoff_ms": 1_000,
    "grpc.max_reconnect_backoff_ms": 250,
    "grpc.keepalive_time_ms": 5_000,
    "grpc.keepalive_timeout_ms": 2_000,
}
C = TypeVar("C", AsyncQdrantClient, QdrantClient)


def open_server(settings: IndexingSettings, state_id: str | None = None, wait_s: float = _WAIT_S) -> ServerStore:
    """The store of `settings`; StoreError when no address of it answers within `wait_s`.

    Addresses that do not answer while another one does are asked again by and by.
    """
    if settings.qdrant_url is None:
        raise StoreError("qdrant_url names no server")
    addresses, sharding = addresses_of(settings.qdrant_url), sharding_of(settings)
    trouble = _troubles(addresses, settings.qdrant_api_key, wait_s)
    if len(trouble) == len(addresses):
        raise StoreError(_unreachable(trouble))
    endpoints = Endpoints([_endpoint(address, settings.qdrant_api_key, trouble) for address in addresses])
    client = cast("AsyncQdrantClient", AnyClient(endpoints))
    return ServerStore(client, settings.qdrant_prefix, sharding=sharding, state_id=state_id, reads=endpoints)


def warnings_of(settings: IndexingSettings) -> list[str]:
    """What a person should know of the server's addresses when a service starts."""
    if settings.qdrant_url is None:
        return []
    addresses, api_key = addresses_of(settings.qdrant_url), settings.qdrant_api_key
    told = []
    bare = ", ".join(address.url for address in addresses if not address.is_encrypted)
    if api_key is not None and bare:
        told.append(
            f"qdrant_api_key is sent over http, where it can be read on the way: {bare}. Give qdrant_url with https, "
            "or keep that network to these hosts."
        )
    trouble = _troubles(addresses, api_key, 0.0)
    if len(trouble) < len(addresses):
        told += [
            f"qdrant_url: nothing to use at {address.url} (gRPC on port {address.grpc_port}): {why}. The other "
            "addresses serve; it is asked again by and by."
            for address, why in trouble.items()
        ]
    return told


def _endpoint(address: Address, api_key: str | None, trouble: dict[Address, str]) -> Endpoint:
    # Compatibility would be asked from a thread, and only warned of; the server has answered just now.
    endpoint = Endpoint(address.url, _client(AsyncQdrantClient, address, api_key, _TIMEOUT_S))
    if address in trouble:
        endpoint.breaker.failed(at_once=True)
    return endpoint


def _client(kind: Callable[..., C], address: Address, api_key: str | None, timeout_s: int) -> C:
    with warnings.catch_warnings():
        # Every client of every process would say so; `warnings_of` does once.
        warnings.filterwarnings("ignore", "Api key is used with an insecure connection", UserWarning)
        return kind(
            url=address.url,
            grpc_port=address.grpc_port,
            prefer_grpc=True,
            api_key=api_key,
            timeout=timeout_s,
            check_compatibility=False,
            grpc_options=dict(_CHANNEL),
        )


def _troubles(addresses: Sequence[Address], api_key: str | None, wait_s: float) -> dict[Address, str]:
    """The addresses that do not answer, and why; they are waited for as long as none does, up to `wait_s`."""
    give_up_at, enough = time.monotonic() + wait_s, Event()
    pool = ThreadPoolExecutor(max_workers=len(addresses), thread_name_prefix="reach")
    asked = {address: pool.submit(_trouble, address, api_key, give_up_at, enough) for address in addresses}
    waiting: set[Future[str | None]] = set(asked.values())
    while waiting:
        done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        if any(one.result() is None for one in done):
            # Whoever does not answer is not waited for by those threads either, which the process would wait for.
            enough.set()
            wait(waiting, timeout=_GRACE_S)
            break
    pool.shutdown(wait=False, cancel_futures=True)
    found = {address: one.result() if one.done() else "no answer yet" for address, one in asked.items()}
    return {address: why for address, why in found.items() if why is not None}


def _trouble(address: Address, api_key: str | None, give_up_at: float, enough: Event) -> str | None:
    client: QdrantClient = _client(QdrantClient, address, api_key, _CHECK_TIMEOUT_S)
    try:
        while True:
            try:
                client.get_collections()
            except (RpcError, ApiException) as error:
                if not _may_pass(error) or time.monotonic() >= give_up_at or enough.wait(_PAUSE_S):
                    return words_of(error)
            else:
                return None
    finally:
        client.close()


def _may_pass(error: Exception) -> bool:
    """Whether waiting can help: a wrong key stays wrong."""
    return not isinstance(error, RpcError) or error.code() in (StatusCode.UNAVAILABLE, StatusCode.DEADLINE_EXCEEDED)


def _unreachable(trouble: dict[Address, str]) -> str:
    told = "; ".join(f"{address.url} (gRPC on port {address.grpc_port}): {why}" for address, why in trouble.items())
    return (
        f"no Qdrant server answered at {told}. Check that it runs (docker compose up -d qdrant), that qdrant_url names "
        "it, that the port after that of the address is reachable too, and qdrant_api_key; or leave qdrant_url out to "
        "use the embedded store"
    )
