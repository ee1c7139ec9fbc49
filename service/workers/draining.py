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
from pathlib import Path

from service.workers.asgi import App, Message, Receive, Send
from service.workers.replays import RecentQueries

_LOOK_EVERY_S = 0.02


class Gate:
    """The application as the server sees it: answers once it is opened, and asks clients to go while leaving."""

    def __init__(self, app: App, recent: RecentQueries) -> None:
        self._app = app
        self._recent = recent
        self._opened = asyncio.Event()
        self.leaving = False
        # Done when the application has started; holds the exception when it could not.
        self.started: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def open(self) -> None:
        """Let the server go on from start-up to accepting connections."""
        self._opened.set()

    def __call__(self, scope: Message, receive: Receive, send: Send) -> Awaitable[None]:
        # Not a coroutine itself: this is the path of every request, and at rest it costs two calls.
        if scope["type"] == "lifespan":
            return self._lifespan(scope, receive, send)
        receive = self._recent.listen(scope, receive)
        return self._app(scope, receive, _asking_to_go(send) if self.leaving else send)

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
        if _num_connections(port) == 0:
            return


def stop_accepting(listener_fd: int, *, for_good: bool) -> None:
    """Leave the listening socket to other processes; the server goes on with the connections it has.

    The server has no call for this. A socket that nobody connects to takes the descriptor's place, so that its
    `accept` finds nothing. On Linux an epoll watches what the descriptor stood for, not its number, and would go on
    reporting connections that are now another process's: so it is told to forget first. `for_good` also makes the
    kernel refuse new connections; a server that still watched would spin on that, so it comes between the two.
    """
    if sys.platform == "linux":
        for fd in _open_files():
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


def _open_files() -> list[int]:
    return [int(path.name) for path in Path("/dev/fd").iterdir()]


def _num_connections(port: int) -> int:
    return sum(_is_connection(fd, port) for fd in _open_files())


def _is_connection(fd: int, port: int) -> bool:
    try:
        found = socket.socket(fileno=fd)
    except OSError:
        return False
    try:
        found.getpeername()
        name = found.getsockname()
    except OSError:
        return False
    finally:
        found.detach()
    return found.family in (socket.AF_INET, socket.AF_INET6) and name[1] == port
