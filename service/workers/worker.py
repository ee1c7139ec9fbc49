"""A worker process: loads the application, answers, and drains without failing a request."""

import asyncio
import importlib
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server

from embedding.errors import NearfieldError
from service.schemas import hand_over_refusal
from service.workers.asgi import App
from service.workers.connections import most_connections
from service.workers.crowding import Crowding
from service.workers.draining import Gate, answered, clients_gone, end_connections, stop_accepting
from service.workers.late_bodies import LateBodies
from service.workers.listeners import BACKLOG
from service.workers.log_lines import configure_logging
from service.workers.messages import Answer, Answering, Failed, Leave, Loaded, Order, Recall, Recent, Refused, Report
from service.workers.peers import Peers
from service.workers.program import ClientLimits, Program
from service.workers.replays import RecentQueries, replay

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from service.workers.asgi_call import PastRequest

_log = logging.getLogger("nearfield.service")

# A connection on which nothing is asked for so long is closed, at rest too.
IDLE_S = 30
# How long clients may take to go when the whole service stops, or the main process has died.
STOP_PATIENCE_S = 1.0
# How long clients may take for their answers, once those are made.
_TAKE_S = 1.0
# How long requests in flight may take when there is no main process any more that would end a worker that hangs.
_ORPHAN_S = 60.0
# By so much nicer than those that answer is a fresh generation that loads beside them: a tenth of a core that they want
# too. The lowest priority, 19, would get a seventieth, and under load for minutes no release would be taken up.
_ASIDE, _NICEST = 10, 19
# Of the connections that there may be, how many may wait for late bodies: one in so many, and no more than that.
_LATE_SHARE, _MOST_LATE = 4, 4_096


class _InheritedSocketServer(Server):
    """granian in this process's event loop, accepting from a socket that the main process keeps."""

    def __init__(self, app: Gate, listener: socket.socket, most: int) -> None:
        super().__init__(
            app,
            interface=Interfaces.ASGI,
            # Clients are asked to go by `Connection: close`, which HTTP/2 does not have.
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(header_read_timeout=IDLE_S * 1_000),
            websockets=False,
            backpressure=most,
            log_level=LogLevels.error,
            log_dictconfig={"loggers": {"_granian": {"propagate": True}}},
        )
        self.port: int = listener.getsockname()[1]
        self.listener_fd = listener.detach()

    def _init_shared_socket(self) -> None:
        # The one point where granian's inside is touched: its own way makes a new socket, and connections that
        # wait in a worker's own socket are reset when the worker goes.
        backlog = (BACKLOG,) if sys.platform == "linux" else ()
        self._shd = SocketHolder(self.listener_fd, False, *backlog)  # type: ignore[assignment, call-arg]


def work(
    program: Program,
    listener: socket.socket,
    control: "Connection[Report, Order]",
    aside: bool,
) -> NoReturn:
    """Life of a worker process, which runs `program`.

    `aside`: it is made with what others leave of the cores.

    The process ends with 0 after an order to leave, with 1 when the application could not start.
    """
    # Blocked until here. What this process starts is not to be ended by the terminal's Ctrl-C either.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    os.environ.update(program.environ)
    configure_logging()
    with asyncio.Runner() as runner:
        worker = _Worker(control, runner.get_loop(), program.limits)
        try:
            module, _, name = program.factory.partition(":")
            make = getattr(importlib.import_module(module), name)
            app = _made_aside(make) if aside else make()
            runner.run(worker.serve(app, listener))
        except NearfieldError as error:
            worker.fail(str(error))
        except Exception as error:
            _log.exception("A worker could not start")
            worker.fail(f"{type(error).__name__}: {error}")
        _end(0)


class _Worker:
    def __init__(
        self, control: "Connection[Report, Order]", loop: asyncio.AbstractEventLoop, limits: ClientLimits
    ) -> None:
        self._control = control
        self._peers = Peers(limits.trusted_proxies)
        self._most = most_connections()
        self._bodies = LateBodies(limits, self._peers, min(self._most // _LATE_SHARE, _MOST_LATE))
        self._loop = loop
        self._loaded = False
        self._called: asyncio.Future[tuple[PastRequest, ...]] = loop.create_future()
        self._recent = RecentQueries()
        self._leave: asyncio.Future[Leave] = loop.create_future()
        self._out_of_patience = asyncio.Event()
        threading.Thread(target=self._receive, name="orders", daemon=True).start()

    async def serve(self, app: App, listener: socket.socket) -> None:
        """Start the application, answer once called, leave when told."""
        gate = Gate(app, self._recent, self._bodies)
        server = _InheritedSocketServer(gate, listener, self._most)
        serving = asyncio.create_task(server.serve())
        await asyncio.wait((gate.started, serving), return_when=asyncio.FIRST_COMPLETED)
        if not gate.started.done():
            await serving
            raise RuntimeError("the HTTP server ended before the application had started")
        await gate.started
        self._loaded = True
        self._loop.add_signal_handler(signal.SIGTERM, self._obey, Leave(STOP_PATIENCE_S, for_good=False))
        self._control.send(Loaded())
        await asyncio.wait((self._called, self._leave), return_when=asyncio.FIRST_COMPLETED)
        if not self._called.done():
            return
        queries = self._called.result()
        if queries:
            num_answered = await replay(app, queries)
            _log.info("Replayed %d queries, %d of them answered", len(queries), num_answered)
        gate.open()
        self._control.send(Answering())
        Crowding(server.port, self._most, gate.in_flight, self._peers, self._give_up_bodies, silence_s=2 * IDLE_S)
        await asyncio.wait((self._leave, serving), return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            raise RuntimeError("the HTTP server ended by itself")
        stop_accepting(server.listener_fd, for_good=self._leave.result().for_good)
        gate.leaving = True
        gone = asyncio.create_task(clients_gone(server.port))
        patience = asyncio.create_task(self._out_of_patience.wait())
        await asyncio.wait((gone, patience), return_when=asyncio.FIRST_COMPLETED)
        self._bodies.give_up_all()
        await answered(gate)
        await asyncio.wait((gone,), timeout=_TAKE_S)
        end_connections(server.port)
        server.stop()  # type: ignore[no-untyped-call]
        await serving

    def _give_up_bodies(self, num: int) -> None:
        self._loop.call_soon_threadsafe(self._bodies.give_up, num)

    def fail(self, reason: str) -> NoReturn:
        """Tell the main process why, and end."""
        with suppress(BrokenPipeError):
            self._control.send(Failed(reason))
        _end(1)

    def _receive(self) -> None:
        ended = False
        while not ended:
            try:
                order = self._control.recv()
            except (EOFError, OSError):
                # The main process is gone.
                order, ended = Leave(STOP_PATIENCE_S, for_good=True), True
            if isinstance(order, Leave) and not self._loaded:
                _end(0)
            self._loop.call_soon_threadsafe(self._obey, order)
        time.sleep(_ORPHAN_S)
        _end(1)

    def _obey(self, order: Order) -> None:
        match order:
            case Answer(queries):
                self._called.set_result(queries)
            case Recall():
                self._control.send(Recent(self._recent.kept()))
            case Refused(reason):
                hand_over_refusal.note(reason)
            case Leave():
                if not self._leave.done():
                    self._leave.set_result(order)
                # Told twice, the shorter patience holds.
                self._loop.call_later(order.patience_s, self._out_of_patience.set)


def _made_aside(make: Callable[[], App]) -> App:
    """What `make` gives, made with what those that answer leave of the cores.

    In a thread that ends with it: who has no privilege cannot take a lower priority back. No thread that serves may
    come of it: those of the engine, of the encoder and of the server are started later, by the event loop.
    """
    made: Future[App] = Future()

    def run() -> None:
        try:
            if sys.platform == "linux":
                thread = threading.get_native_id()
                aside = min(_NICEST, os.getpriority(os.PRIO_PROCESS, thread) + _ASIDE)
                os.setpriority(os.PRIO_PROCESS, thread, aside)
            made.set_result(make())
        except BaseException as error:
            made.set_exception(error)

    threading.Thread(target=run, name="make").start()
    return made.result()


def _end(code: int) -> NoReturn:
    # Not by way of the interpreter's own end, which joins threads (an encoder that is still loading) and may run
    # destructors of the engine for seconds; nothing is left to save, as a worker writes nothing.
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
