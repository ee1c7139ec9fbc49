"""Bodies that are long in coming: how long they may take, how many a client may have on their way, which go first.

A body that comes with its request is never late, however many of them come at once.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable

from service.schemas.problems import ProblemError, Slug
from service.workers.asgi import Message, Receive
from service.workers.peers import Peers
from service.workers.program import ClientLimits

# Bytes a second that a body must bring in each `body_timeout_s` that it does not end in.
LEAST_RATE = 1_000
# Late is what has not come in this part of `body_timeout_s`: lost packets are sent again by then.
_LATE_AFTER = 0.025
# Clients that came together are refused one after the other within this part of `body_timeout_s`: in one moment, nobody
# else would be answered until all are.
_SPREAD = 0.1
_RETRY_S = 1
# What all late bodies together may hold of this worker's memory.
_MOST_BYTES = 128_000_000


class LateBodies:
    """All bodies of a worker that have not come to their end, the longest under way first."""

    def __init__(self, limits: ClientLimits, peers: Peers, most: int) -> None:
        """`most` may be late at once, whoever they are from; the longest under way makes room for another."""
        self.limits = limits
        self._peers = peers
        self._most = most
        self._under_way: dict[Body, None] = {}
        self._num_late: Counter[str | None] = Counter()
        self._num_bytes = 0

    @property
    def num_under_way(self) -> int:
        """Bodies that are waited for."""
        return len(self._under_way)

    @property
    def num_late(self) -> int:
        """Those of them that have been on their way for long."""
        return self._num_late.total()

    def expect(self, scope: Message, receive: Receive) -> "Body":
        """The body of a request; `end` must be called when the request is over."""
        return Body(self, scope, receive)

    def begin(self, body: "Body") -> None:
        """Of a body that is asked for: it is under way."""
        self._under_way[body] = None

    def end(self, body: "Body") -> None:
        """Of a body that is whole, or not waited for any more."""
        was_under_way = body in self._under_way
        self._under_way.pop(body, None)
        if was_under_way and body.late:
            self._num_bytes -= body.num_bytes
            self._num_late[body.peer] -= 1
            if not self._num_late[body.peer]:
                del self._num_late[body.peer]

    def note_late(self, body: "Body") -> None:
        """Count a body as late; where that is one too many, refuse it, or the one that has been late for longest."""
        body.peer = self._peers.of(body.scope["client"][0], body.scope["headers"])
        if body.peer is not None and self._num_late[body.peer] >= self.limits.max_late_bodies:
            body.refuse(
                "too-many-bodies",
                f"{self.limits.max_late_bodies} other requests of this client wait for the rest of their bodies. "
                "Finish or end those first, and send each body together with its request.",
            )
            return
        body.late = True
        self._num_late[body.peer] += 1
        if self.num_late > self._most:
            self.give_up(1)
        self.note_bytes(body.num_bytes)

    def note_bytes(self, num: int) -> None:
        """So many more bytes of late bodies are held."""
        self._num_bytes += num
        if self._num_bytes > _MOST_BYTES:
            self.give_up(1)

    def give_up(self, num: int) -> None:
        """Refuse the `num` late ones that have been under way for longest: what is theirs is needed."""
        late = [body for body in self._under_way if body.late]
        for body in late[:num]:
            body.refuse(
                "no-room",
                "The service is stopping, or needs the connection for others, and the body has not come. Send the "
                "request again, the body together with it.",
            )

    def give_up_all(self) -> None:
        """Refuse what has not come, and from now on whatever does not come at once."""
        self._most = 0
        self.give_up(self.num_under_way)


class Body:
    """The body of one request."""

    def __init__(self, bodies: LateBodies, scope: Message, receive: Receive) -> None:
        self.scope = scope
        self.peer: str | None = None
        self.late = False
        self._bodies = bodies
        self._receive = receive
        self._waiting: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._ended = False
        self.num_bytes = 0
        self._refusal: tuple[Slug, str] | None = None

    async def receive(self) -> Message:
        """The next message, as ASGI has it; a 408, 429 or 503 problem where the body is waited for no longer."""
        if self._refusal is not None:
            raise _problem(*self._refusal)
        if self._ended:
            return await self._receive()
        if self._timer is None:
            self._bodies.begin(self)
            self._later(_LATE_AFTER, self._become_late)
        coming = asyncio.ensure_future(self._receive())
        self._waiting = asyncio.get_running_loop().create_future()
        coming.add_done_callback(self._stop_waiting)
        try:
            # Not for what comes itself: where that is cancelled, the server keeps the error that it throws for ever,
            # with all that the request holds.
            await self._waiting
        finally:
            if not coming.done():
                coming.cancel()
        if self._refusal is not None:
            raise _problem(*self._refusal)
        message = coming.result()
        num = len(message.get("body", b""))
        self.num_bytes += num
        if self.late and not self._ended:
            self._bodies.note_bytes(num)
        if not message.get("more_body", False):
            self.end()
        return message

    def end(self) -> None:
        """Wait for nothing more of it."""
        self._ended = True
        if self._timer is not None:
            self._timer.cancel()
            self._bodies.end(self)

    def refuse(self, slug: Slug, detail: str) -> None:
        """Answer the request with this problem, and close its connection."""
        self._refusal = slug, detail
        self.end()
        self._stop_waiting()

    def _stop_waiting(self, _come: object = None) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _become_late(self) -> None:
        if self._waiting is None or self._waiting.done():
            # Something has come, and waits for its turn in this process.
            self._later(_LATE_AFTER, self._become_late)
            return
        self._bodies.note_late(self)
        if not self._ended:
            self._later(1 + _SPREAD * random.random(), self._look, 0)

    def _look(self, num_before: int) -> None:
        timeout_s = self._bodies.limits.body_timeout_s
        least = int(LEAST_RATE * timeout_s)
        if self.num_bytes - num_before >= least:
            self._later(1, self._look, self.num_bytes)
            return
        self.refuse(
            "body-too-slow",
            f"Expected the rest of the body, or {least} more bytes of it, within {timeout_s:g} s; came "
            f"{self.num_bytes - num_before}. Send the body together with its request.",
        )

    def _later(self, part: float, look: Callable[..., None], *arguments: int) -> None:
        wait_s = part * self._bodies.limits.body_timeout_s
        self._timer = asyncio.get_running_loop().call_later(wait_s, look, *arguments)


def _problem(slug: Slug, detail: str) -> ProblemError:
    headers = {"Connection": "close"}
    if slug != "body-too-slow":
        headers["Retry-After"] = str(_RETRY_S)
    return ProblemError(slug, detail, headers=headers)
