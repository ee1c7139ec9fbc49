"""Calling an ASGI application in this process, without a socket or a server."""

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from service.workers.asgi import App, Message


class PastRequest(Struct, frozen=True):
    """A request as it came, or as it might."""

    method: str
    path: str
    query_string: bytes
    body: bytes
    # The header of that name; empty where the body is plain.
    content_encoding: bytes = b""


class Called(Struct, frozen=True):
    """What was answered."""

    status: int
    body: bytes


async def call(app: "App", request: PastRequest) -> Called:
    """The answer of `app`; what it raises is raised."""
    status = 0
    parts: list[bytes] = []
    headers = [(b"content-type", b"application/json")]
    if request.content_encoding:
        headers.append((b"content-encoding", request.content_encoding))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": request.path,
        "raw_path": request.path.encode(),
        "query_string": request.query_string,
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 0),
    }

    async def receive() -> "Message":
        return {"type": "http.request", "body": request.body, "more_body": False}

    async def send(message: "Message") -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = int(message["status"])
        else:
            parts.append(message.get("body", b""))

    await app(scope, receive, send)
    return Called(status, b"".join(parts))
