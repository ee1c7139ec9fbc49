"""The supervisor: starts workers, hands over to fresh ones when a release goes live, replaces the dead.

A hand-over starts a whole generation beside the one that answers, few workers at a time, and calls it only when
every one has loaded: then all answer from the new release within milliseconds of each other. When one cannot start,
the fresh ones are discarded and nothing has changed.
"""

import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from types import FrameType

from embedding.errors import NearfieldError
from service.workers.handle import State, WorkerHandle
from service.workers.listeners import Listeners
from service.workers.live_watch import LiveWatch
from service.workers.pace import Pace
from service.workers.processes import WorkerProcesses
from service.workers.program import Program
from service.workers.worker import STOP_PATIENCE_S

_log = logging.getLogger("nearfield.service")

# How often the main process looks around when no worker says anything.
_TICK_S = 0.1
# Nobody answers, and so many workers have died in a row: something is wrong that another try will not mend.
_MAX_DEATHS = 4
# Of the queries that all workers noted, each fresh worker replays the last.
_NUM_REPLAYED = 64
# Loading takes a core for seconds; the other half of them goes on answering.
_MAX_LOADING = max(1, (os.cpu_count() or 1) // 2)


class Supervisor:
    """The main process of `nearfield serve`."""

    def __init__(
        self,
        listeners: Listeners,
        program: Program,
        watch: LiveWatch,
        on_ready: Callable[[str], None],
        pace: Pace,
        processes: WorkerProcesses,
    ) -> None:
        """One worker for each listener, which runs `program`."""
        self._listeners = listeners
        self._program = program
        self._watch = watch
        self._on_ready = on_ready
        self._pace = pace
        self._processes = processes
        self._workers: list[WorkerHandle] = []
        self._generation = 0
        self._live = watch.latest.live
        self._ready = False
        self._num_signals = 0
        self._stopping = False
        # The hand-over under way, and the last one if it was refused.
        self._next: str | None = None
        self._began_at = 0.0
        self._refused: str | None = None
        self._refusal: str | None = None
        self._num_refusals = 0
        self._retry_at = 0.0
        # Deaths since all workers were last steady.
        self._num_deaths = 0
        self._spawn_at = 0.0

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT; requests in flight are answered first, a second signal ends them.

        NearfieldError with the reason when the first workers cannot start, or when none can be kept alive.
        """
        wake, waker = socket.socketpair()
        for end in (wake, waker):
            end.setblocking(False)
        handlers = {number: signal.signal(number, self._on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
        old_waker = signal.set_wakeup_fd(waker.fileno())
        try:
            while not (self._stopping and not self._workers):
                self._wait_for_news(wake)
                self._collect_the_dead()
                if self._num_signals:
                    self._stop()
                else:
                    self._steer()
                self._end_the_late()
        finally:
            for worker in self._workers:
                worker.discard()
                worker.process.join()
            signal.set_wakeup_fd(old_waker)
            for number, handler in handlers.items():
                signal.signal(number, handler)
            wake.close()
            waker.close()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._num_signals += 1

    def _wait_for_news(self, wake: socket.socket) -> None:
        pipes = [worker.control for worker in self._workers]
        ends = [worker.process.end for worker in self._workers]
        if wake in wait([wake, *pipes, *ends], timeout=_TICK_S):
            wake.recv(4096)
        for worker in self._workers:
            worker.hear()

    def _of(self, generation: int, *states: State) -> list[WorkerHandle]:
        wanted = states or (State.LOADING, State.LOADED, State.CALLED, State.ANSWERING)
        return [worker for worker in self._workers if worker.generation == generation and worker.state in wanted]

    def _collect_the_dead(self) -> None:
        dead = [worker for worker in self._workers if worker.ended()]
        self._workers = [worker for worker in self._workers if worker not in dead]
        for worker in dead:
            self._watch.gone(worker.id)
            if self._stopping:
                # Said once, when it began.
                continue
            if worker.state is State.LEAVING:
                _log.info("Worker %d (process %d) has left", worker.slot + 1, worker.process.pid)
            elif worker.generation > self._generation:
                self._refuse(worker.how_it_ended())
            elif worker.generation == self._generation:
                self._mourn(worker)

    def _mourn(self, worker: WorkerHandle) -> None:
        """A worker of the generation that answers has died: make way for a successor."""
        reason = worker.how_it_ended()
        if not self._ready:
            raise NearfieldError(f"The service could not start: {reason}")
        self._num_deaths += 1
        others = any(other.state is State.ANSWERING for other in self._workers)
        if not others and self._num_deaths >= _MAX_DEATHS:
            raise NearfieldError(f"{self._num_deaths} workers died one after the other, the last one so: {reason}")
        wait_s = self._pace.delay(self._num_deaths - 1)
        self._spawn_at = time.monotonic() + wait_s
        _log.error("Worker %d died: %s. Another one is started in %g s.", worker.slot + 1, reason, wait_s)
        if others and not any(other.slot == worker.slot and other.may_accept for other in self._workers):
            # New connections go to the others until the successor listens; without others they wait for it.
            self._listeners.withdraw(worker.slot)

    def _refuse(self, reason: str) -> None:
        """Give up the hand-over: those that answer go on."""
        if self._next is None:
            # Another of this generation has failed before.
            return
        for worker in self._of(self._generation + 1):
            worker.discard()
        self._num_refusals = self._num_refusals + 1 if self._next == self._refused else 1
        wait_s = self._pace.delay(self._num_refusals)
        self._retry_at = time.monotonic() + wait_s
        _log.error(
            "Release %s cannot be taken up; release %s stays. The next try is in %g s. %s",
            *(self._next, self._live, wait_s, reason),
        )
        self._refused, self._next = self._next, None
        self._tell_refusal(f"Release {self._refused}: {reason}")

    def _withdraw(self) -> None:
        """What was loaded is not to be live after all: those that answer go on."""
        _log.info("Release %s is not to be live after all; release %s stays", self._next, self._live)
        for worker in self._of(self._generation + 1):
            worker.discard()
        self._next = None
        self._watch.loaded(None)

    def _tell_refusal(self, reason: str | None) -> None:
        self._refusal = reason
        for worker in self._of(self._generation):
            worker.tell_refusal(reason)

    def _steer(self) -> None:
        """Bring what is nearer to what should be, as far as can be done now without waiting."""
        now = time.monotonic()
        self._begin(now)
        self._fill(now)
        self._call()
        self._retire(now)
        answering = self._of(self._generation, State.ANSWERING)
        if len(answering) == len(self._listeners) and all(now - one.since > self._pace.steady_s for one in answering):
            self._num_deaths = 0
            # Not before: the first workers are loading their encoder, on the same cores.
            self._processes.prepare()

    def _begin(self, now: float) -> None:
        """Begin a hand-over when another release is live than the workers loaded."""
        seen = self._watch.latest.wanted
        if self._next not in (None, seen, self._watch.latest.live):
            self._withdraw()
        if self._next is not None or not self._ready:
            return
        if seen == self._live:
            if self._refused is not None:
                # What could not be taken up is not asked for any more.
                self._refused = None
                self._tell_refusal(None)
            return
        if seen == self._refused and now < self._retry_at:
            return
        if sum(not worker.is_here for worker in self._workers) > len(self._listeners):
            # One generation may still be leaving (a rollback must not wait for it), but not two: memory is finite.
            return
        self._next, self._began_at = seen, now
        for worker in self._of(self._generation, State.ANSWERING):
            worker.recall()
        _log.info("Release %s is to be live: fresh workers load", seen)

    def _fill(self, now: float) -> None:
        """Start the workers that the newest generation lacks; few at a time beside those that answer."""
        generation = self._generation + (self._next is not None)
        there = {worker.slot for worker in self._of(generation)}
        for slot in range(len(self._listeners)):
            if slot in there:
                continue
            answering = any(worker.state is State.ANSWERING for worker in self._workers)
            if now < self._spawn_at or (answering and len(self._of(generation, State.LOADING)) >= _MAX_LOADING):
                return
            # A replacement loads even what a first worker leaves for later: nobody waits for it.
            environ = {
                "NEARFIELD_REPLACING": "1" if answering else "0",
                # Of many hosts, the release that is to be live may not be yet.
                "NEARFIELD_RELEASE": self._next or self._live,
            }
            try:
                listener = self._listeners[slot]
                # A generation that nobody waits for: a successor of a worker that died is missed.
                aside = answering and self._next is not None
                program = self._program.beside(environ)
                worker = WorkerHandle(slot, generation, program, listener, self._processes, aside=aside)
            except OSError as error:
                if not self._ready:
                    raise
                self._spawn_at = now + self._pace.max_retry_s
                _log.error("Cannot start a process: %s. The next try is in %g s.", error, self._pace.max_retry_s)
                return
            if generation == self._generation and self._refusal is not None:
                worker.tell_refusal(self._refusal)
            self._workers.append(worker)

    def _call(self) -> None:
        """Let loaded workers answer: a fresh generation when it is complete, a successor at once."""
        if self._next is not None:
            if len(self._of(self._generation + 1, State.LOADED)) < len(self._listeners):
                return
            if not self._watch.latest.together and self._watch.latest.live != self._next:
                # Of many hosts all load it before it is live on any.
                self._watch.loaded(self._next)
                return
            self._generation += 1
            self._live, self._next = self._next, None
            self._refused = self._refusal = None
        recent = tuple(query for worker in self._workers for query in worker.recent)[-_NUM_REPLAYED:]
        for worker in self._of(self._generation, State.LOADED):
            worker.call(recent)

    def _retire(self, now: float) -> None:
        """Dismiss the old generation as soon as the whole new one answers."""
        if len(self._of(self._generation, State.ANSWERING)) < len(self._listeners):
            return
        if not self._ready:
            self._ready = True
            self._on_ready(self._live)
        if self._next is None and all(worker.generation == self._generation for worker in self._workers):
            self._watch.loaded(self._live)
        old = [worker for worker in self._workers if worker.generation < self._generation and worker.is_here]
        for worker in old:
            worker.dismiss(self._pace.patience_s, self._pace.finish_s, for_good=False)
        if old:
            _log.info("Handed over to release %s in %.1f s", self._live, now - self._began_at)

    def _stop(self) -> None:
        if not self._stopping:
            self._stopping = True
            _log.info("Stopping: no new connections, requests in flight are answered")
            for worker in self._workers:
                if worker.state in (State.LOADING, State.LOADED):
                    worker.discard()
                else:
                    worker.dismiss(STOP_PATIENCE_S, self._pace.finish_s, for_good=True)
        elif self._num_signals > 1:
            for worker in self._workers:
                worker.discard()

    def _end_the_late(self) -> None:
        now = time.monotonic()
        for worker in self._workers:
            if worker.must_end_at is not None and now > worker.must_end_at:
                _log.warning(
                    "Worker %d (process %d) has not finished in time and is ended", worker.slot + 1, worker.process.pid
                )
                worker.discard()
            elif worker.state is State.LOADING and now - worker.since > self._pace.load_s:
                worker.give_up(f"it had not loaded after {self._pace.load_s:g} s")
