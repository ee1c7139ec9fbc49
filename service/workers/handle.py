"""A worker as the supervisor sees it: its process, its pipe, its state."""

import multiprocessing
import signal
import socket
import time
from enum import Enum, auto
from typing import TYPE_CHECKING
from uuid import uuid4

from service.workers.asgi_call import PastRequest
from service.workers.messages import Answer, Answering, Failed, Leave, Loaded, Order, Recall, Recent, Refused, Report
from service.workers.processes import WorkerProcesses
from service.workers.program import Program
from service.workers.worker import work

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


class State(Enum):
    """How far a worker has come."""

    LOADING = auto()
    LOADED = auto()
    CALLED = auto()
    ANSWERING = auto()
    LEAVING = auto()


class WorkerHandle:
    """A worker in `slot`, of a `generation` (each hand-over begins one)."""

    def __init__(
        self,
        slot: int,
        generation: int,
        program: Program,
        listener: socket.socket,
        processes: WorkerProcesses,
        *,
        aside: bool,
    ) -> None:
        """The process starts at once; `program` and `aside` are as in `service.workers.worker.work`."""
        self.slot = slot
        self.id = str(uuid4())
        """What its lease is named by."""
        self.generation = generation
        self.state = State.LOADING
        self.since = time.monotonic()
        self.reason: str | None = None
        """Why it could not start, if it said so."""
        self.recent: tuple[PastRequest, ...] = ()
        """Queries that it said came lately."""
        self.must_end_at: float | None = None
        self.control: Connection[Order, Report]
        self.control, theirs = multiprocessing.Pipe()
        self.process = processes.start(
            work,
            (program.beside({"NEARFIELD_WORKER": self.id}), listener, theirs, aside),
            f"nearfield-worker-{slot + 1}",
        )
        # Else the worker would never see the pipe close when this process dies.
        theirs.close()

    def hear(self) -> None:
        """Take in what the worker has said."""
        try:
            while self.control.poll():
                match self.control.recv():
                    case Loaded():
                        self._become(State.LOADED)
                    case Answering():
                        self._become(State.ANSWERING)
                    case Recent(queries):
                        self.recent = queries
                    case Failed(reason):
                        self.reason = reason
        except (EOFError, OSError):
            # It has ended; the process tells how.
            return

    def call(self, queries: tuple[PastRequest, ...]) -> None:
        """Tell a loaded worker to answer, once it has replayed `queries`."""
        self._become(State.CALLED)
        self._tell(Answer(queries))

    def recall(self) -> None:
        """Ask which queries came lately; `recent` has them some moments later."""
        self._tell(Recall())

    def tell_refusal(self, reason: str | None) -> None:
        """Let `/health/ready` show why a newer release is not served; None when that is over."""
        self._tell(Refused(reason))

    @property
    def is_here(self) -> bool:
        """Whether it has not been told to leave."""
        return self.state is not State.LEAVING

    @property
    def may_accept(self) -> bool:
        """Whether it may be accepting connections, or may still be doing so."""
        return self.state in (State.CALLED, State.ANSWERING, State.LEAVING)

    def dismiss(self, patience_s: float, finish_s: float, *, for_good: bool) -> None:
        """Let it finish (`Leave` tells more); after both times together, `must_end_at`, it may be ended."""
        self._become(State.LEAVING)
        self.must_end_at = time.monotonic() + patience_s + finish_s
        self._tell(Leave(patience_s, for_good))

    def discard(self) -> None:
        """End a worker that answers nobody, or that has not ended in time."""
        self._become(State.LEAVING)
        self.must_end_at = None
        self.process.kill()

    def give_up(self, reason: str) -> None:
        """End a worker as one that could not start."""
        self.reason = reason
        self.process.kill()

    def ended(self) -> bool:
        """Whether the process is over; its end is then collected."""
        if not self.process.ended():
            return False
        self.process.join()
        self.hear()
        self.control.close()
        return True

    def how_it_ended(self) -> str:
        """For a person: its own words, or the signal, or the exit code."""
        if self.reason is not None:
            return self.reason
        code = self.process.exitcode
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            hint = " (out of memory?)" if name == "SIGKILL" else ""
            return f"process {self.process.pid} was ended by {name}{hint}"
        return f"process {self.process.pid} ended with exit code {code}"

    def _become(self, state: State) -> None:
        # A worker that was told to leave may still say that it has loaded.
        if self.state is not State.LEAVING:
            self.state = state
            self.since = time.monotonic()

    def _tell(self, order: Order) -> None:
        try:
            self.control.send(order)
        except OSError:
            # It has ended meanwhile, which the next look finds.
            return
