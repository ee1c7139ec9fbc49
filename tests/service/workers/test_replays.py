"""Which queries a worker notes, and what replaying them does."""

import asyncio
import json
from typing import Any

import pytest

from service.workers import replays
from service.workers.asgi import Message, Receive, Send
from service.workers.asgi_call import PastRequest
from service.workers.replays import RecentQueries, replay

SIMILAR = {"method": "POST", "path": "/v1/similar", "query_string": b"", "headers": [(b"content-encoding", b"gzip")]}


def hear(recent: RecentQueries, scope: dict[str, Any], *parts: bytes) -> bytes:
    """Let a request come in; what the application gets of its body."""
    messages = [
        {"type": "http.request", "body": part, "more_body": place < len(parts) - 1} for place, part in enumerate(parts)
    ]

    async def receive() -> Message:
        return messages.pop(0)

    async def read() -> bytes:
        listening = recent.listen(scope, receive)
        return b"".join([(await listening())["body"] for _ in parts])

    return asyncio.run(read())


def test_queries_are_noted_whole_and_reach_the_application_as_they_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replays, "_EVERY_S", 0.0)
    recent = RecentQueries()
    assert hear(recent, SIMILAR, b'{"seeds"', b": []}") == b'{"seeds": []}'
    get = {"method": "GET", "path": "/v1/items/a/similar", "query_string": b"market=SE", "headers": []}
    hear(recent, get, b"")
    # Nothing that changes anything, and nothing that is no query.
    for method, path in (("PUT", "/v1/items"), ("POST", "/v1/releases/r1/activate"), ("GET", "/health/ready")):
        hear(recent, {"method": method, "path": path, "query_string": b""}, b"{}")
    hear(recent, SIMILAR, b"x" * (replays._LONGEST_BODY + 1))
    assert recent.kept() == (
        PastRequest("POST", "/v1/similar", b"", b'{"seeds": []}', b"gzip"),
        PastRequest("GET", "/v1/items/a/similar", b"market=SE", b""),
    )


def test_only_some_of_many_are_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    recent = RecentQueries()
    for _ in range(1_000):
        hear(recent, SIMILAR, b"{}")
    assert 1 <= len(recent.kept()) < 100
    monkeypatch.setattr(replays, "_EVERY_S", 0.0)
    recent = RecentQueries()
    for number in range(replays._NUM_KEPT + 10):
        hear(recent, SIMILAR, str(number).encode())
    assert [int(request.body) for request in recent.kept()][-3:] == [71, 72, 73]


def test_replayed_requests_reach_the_application_and_failures_stop_nothing() -> None:
    seen: list[tuple[str, bytes]] = []

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        body = (await receive())["body"]
        seen.append((scope["path"], body))
        if body == b"bad":
            raise ValueError("as an application may")
        status = 200 if json.loads(body) else 400
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    requests = [PastRequest("POST", "/v1/similar", b"", body) for body in (b"1", b"bad", b"0", b"1")]
    assert asyncio.run(replay(app, requests)) == 2
    assert [body for _, body in seen] == [b"1", b"bad", b"0", b"1"]
