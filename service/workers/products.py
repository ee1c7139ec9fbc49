"""A service that is asked as clients ask it: at an address, or the application in this process."""

import http.client
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from embedding.errors import NearfieldError, UsageError
from service.workers.asgi import App
from service.workers.asgi_call import PastRequest, call

if TYPE_CHECKING:
    from litestar import Litestar

Json = dict[str, Any]


class Reply(Struct, frozen=True):
    """Status and decoded body of an answer."""

    status: int
    content: Json


class Product(Protocol):
    """Answers requests."""

    async def ask(self, method: str, path: str, body: Json | None) -> Reply:
        """One request; NearfieldError where nobody answers."""


class AtAddress:
    """A running service, over one connection that is kept."""

    def __init__(self, url: str) -> None:
        """UsageError for an address that is not `http://HOST[:PORT]`."""
        expected = f"--url: expected http://HOST:PORT, {url} came"
        try:
            parts = urlsplit(url)
            port = parts.port or 80
        except ValueError as error:
            raise UsageError(f"{expected}: {error}") from None
        if parts.scheme != "http" or not parts.hostname or parts.path.strip("/"):
            raise UsageError(expected)
        self._url = url
        self._connection = http.client.HTTPConnection(parts.hostname, port, timeout=60)

    async def ask(self, method: str, path: str, body: Json | None) -> Reply:
        """As Product."""
        data = None if body is None else msgspec.json.encode(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        try:
            try:
                return self._ask(method, path, data, headers)
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                # A hand-over closes connections at rest.
                self._connection.close()
                return self._ask(method, path, data, headers)
        except (OSError, http.client.HTTPException) as error:
            raise NearfieldError(f"{self._url} does not answer: {error}") from error

    def _ask(self, method: str, path: str, data: bytes | None, headers: dict[str, str]) -> Reply:
        self._connection.request(method, path, data, headers)
        answer = self._connection.getresponse()
        return Reply(answer.status, msgspec.json.decode(answer.read(), type=Json))


class InProcess:
    """The application in this process, without HTTP."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def ask(self, method: str, path: str, body: Json | None) -> Reply:
        """As Product."""
        target, _, query = path.partition("?")
        data = b"" if body is None else msgspec.json.encode(body)
        called = await call(self._app, PastRequest(method, target, query.encode(), data))
        return Reply(called.status, msgspec.json.decode(called.body, type=Json))


@asynccontextmanager
async def running(app: "Litestar") -> AsyncIterator[None]:
    """`app` between its start and its end; a NearfieldError from within comes out as it is, not in a group of one."""
    failed: NearfieldError | None = None
    async with app.lifespan():
        try:
            yield
        except NearfieldError as error:
            failed = error
    if failed is not None:
        raise failed
