"""Draining: a worker stops accepting connections, ends its requests and tells clients to go.

Two races would lose requests if the server were simply stopped: a connection accepted an instant before, whose
request has not been read yet, is closed; and so is an idle one, just as its client sends the next request.
"""

import asyncio
import os
import select
import socket
import sys
from collections.abc import Awaitable
from contextlib import suppress

from service.workers.asgi import App, Message, Receive, Send
from service.workers.connections import Client, connections, end, num_connections, open_files
from service.workers.late_bodies import LateBodies
from service.workers.replays import RecentQueries

_LOOK_EVERY_S = 0.02
_WITHOUT_BODY = ("GET", "HEAD")


class Gate:
    """The application as the server sees it: answers once it is opened, and asks clients to go while leaving."""

    def __init__(self, app: App, recent: RecentQueries, bodies: LateBodies) -> None:
        self._app = app
        self._recent = recent
        self._bodies = bodies
        # Clients that an answer is made for, each with its request: the next one may come before the last has ended.
        self.in_flight: dict[Client, Message] = {}
        self._opened = asyncio.Event()
        self.leaving = False
        # Done when the application has started; holds the exception when it could not.
        self.started: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def open(self) -> None:
        """Let the server go on from start-up to accepting connections."""
        self._opened.set()

    def __call__(self, scope: Message, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "lifespan":
            return self._lifespan(scope, receive, send)
        if self.leaving:
            send = _asking_to_go(send)
        if scope["method"] in _WITHOUT_BODY:
            return self._answer(scope, self._recent.listen(scope, receive), send)
        return self._answer_with_body(scope, receive, send)

    async def _answer(self, scope: Message, receive: Receive, send: Send) -> None:
        client = scope["client"]
        self.in_flight[client] = scope
        try:
            await self._app(scope, receive, send)
        finally:
            if self.in_flight.get(client) is scope:
                del self.in_flight[client]

    async def _answer_with_body(self, scope: Message, receive: Receive, send: Send) -> None:
        body = self._bodies.expect(scope, receive)
        try:
            await self._answer(scope, self._recent.listen(scope, body.receive), send)
        finally:
            body.end()

    async def _lifespan(self, scope: Message, receive: Receive, send: Send) -> None:
        failure = "the application ended its start-up without a word"

        async def held(message: Message) -> None:
            nonlocal failure
            if message["type"] == "lifespan.startup.complete":
                self.started.set_result(None)
                await self._opened.wait()
            elif message["type"] == "lifespan.startup.failed":
                failure = message["message"]
                return
            await send(message)

        try:
            await self._app(scope, receive, held)
        except Exception as error:
            if self.started.done():
                raise
            self.started.set_exception(error)
        if not self.started.done():
            self.started.set_exception(RuntimeError(failure))


def _asking_to_go(send: Send) -> Send:
    async def closing(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"connection", b"close")]
        await send(message)

    return closing


async def clients_gone(port: int) -> None:
    """Return when no client is connected to our `port`."""
    while True:
        # Before the first look too: an accept that was under way in another thread ends meanwhile.
        await asyncio.sleep(_LOOK_EVERY_S)
        if num_connections(port) == 0:
            return


async def answered(gate: Gate) -> None:
    """Return when no answer is being made."""
    while gate.in_flight:
        await asyncio.sleep(_LOOK_EVERY_S)


def end_connections(port: int) -> None:
    """Close every connection, whatever its client waits for or does not take."""
    for connection, _ in connections(port):
        end(connection)


def stop_accepting(listener_fd: int, *, for_good: bool) -> None:
    """Leave the listening socket to other processes; the server goes on with the connections it has.

    The server has no call for this. A socket that nobody connects to takes the descriptor's place, so that its
    `accept` finds nothing. On Linux an epoll watches what the descriptor stood for, not its number, and would go on
    reporting connections that are now another process's: so it is told to forget first. `for_good` also makes the
    kernel refuse new connections; a server that still watched would spin on that, so it comes between the two.
    """
    if sys.platform == "linux":
        for fd in open_files():
            # A duplicate, because the object closes its descriptor. Most are no epoll, or do not watch the listener.
            with suppress(OSError), select.epoll.fromfd(os.dup(fd)) as epoll:
                epoll.unregister(listener_fd)
        if for_good:
            with socket.socket(fileno=os.dup(listener_fd)) as listener, suppress(OSError):
                # Raises when it does not listen, which is what is wanted.
                listener.shutdown(socket.SHUT_RDWR)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        deaf.setblocking(False)
        os.dup2(deaf.fileno(), listener_fd, inheritable=False)
