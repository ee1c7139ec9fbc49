"""Warm-up: real queries of the last minutes, replayed by a fresh worker before it takes over.

What is cold at first use is warmed so: contexts compiled for the markets that are asked about, their rows and verdicts,
pages of the engine's files, users' vectors. Requests stay in the memory of these processes.
"""

import logging
import time
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from service.workers.asgi_call import PastRequest, call

if TYPE_CHECKING:
    from service.workers.asgi import App, Message, Receive

_log = logging.getLogger("nearfield.service")

_NUM_KEPT = 64
# One request a tenth of a second is noted: each costs some microseconds, and 64 span six seconds of heavy traffic.
_EVERY_S = 0.1
_LONGEST_BODY = 100_000
_QUERIES = ("/v1/similar", "/v1/recommend", "/v1/search")
# Replays are worth no pause: after so long the worker answers, warm or not.
_BUDGET_S = 2.0


class RecentQueries:
    """The queries noted last, oldest first."""

    def __init__(self) -> None:
        self._kept: deque[PastRequest] = deque(maxlen=_NUM_KEPT)
        self._not_before = 0.0

    def kept(self) -> tuple[PastRequest, ...]:
        """All of them."""
        return tuple(self._kept)

    def listen(self, scope: "Message", receive: "Receive") -> "Receive":
        """`receive`, or one that notes what comes where it is time for another query."""
        now = time.monotonic()
        if now < self._not_before or not _is_query(scope):
            return receive
        self._not_before = now + _EVERY_S
        parts: list[bytes] = []

        async def noting() -> "Message":
            message = await receive()
            parts.append(message.get("body", b""))
            if message["type"] == "http.request" and not message.get("more_body"):
                body = b"".join(parts)
                if len(body) <= _LONGEST_BODY:
                    coding = b",".join(value for name, value in scope["headers"] if name == b"content-encoding")
                    self._kept.append(PastRequest(scope["method"], scope["path"], scope["query_string"], body, coding))
            return message

        return noting


async def replay(app: "App", requests: Sequence[PastRequest]) -> int:
    """Put the requests to `app`, one by one, within some seconds; how many were answered with 200."""
    until = time.monotonic() + _BUDGET_S
    num_answered = 0
    for request in requests:
        if time.monotonic() > until:
            break
        num_answered += await _ask(app, request)
    return num_answered


async def _ask(app: "App", request: PastRequest) -> bool:
    try:
        called = await call(app, request)
    except Exception:
        # What fails here would have failed for a client: its own request will tell.
        _log.warning("a query could not be replayed", exc_info=True)
        return False
    return called.status == 200


def _is_query(scope: "Message") -> bool:
    path: str = scope["path"]
    method: str = scope["method"]
    if method == "POST":
        return path in _QUERIES
    return method == "GET" and path.startswith("/v1/items/") and path.endswith("/similar")
