"""Starting worker processes: the first afresh, later ones as forks of one that has imported everything.

A worker's imports, the text encoder's above all, take ten times as long as all else that it does before it answers.
The process that is forked imports them once, uses none of them, and so has no threads that a fork would lose.
It may end before its forks do (the system may kill it for its memory), and they are to go on: so each is watched by
its own handle from the system, as `multiprocessing` would believe all of them over.
"""

import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from multiprocessing.resource_tracker import ensure_running
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_log = logging.getLogger("nearfield.service")

# Elsewhere system libraries start threads of their own and do not survive a fork.
_CAN_FORK = sys.platform == "linux"
# Ctrl-C in a terminal and the end of a service unit go to every process; only the main one is to act on them, and it
# tells the others. A blocked signal is inherited; a worker unblocks what it handles itself.
_NOT_FOR_CHILDREN = {signal.SIGINT, signal.SIGTERM}

# What starting a process raises when the one that forks has ended, or ends.
_CANNOT_FORK = (EOFError, OSError)


class WorkerProcess:
    """A process that was started; `join` must come at its end."""

    def __init__(self, process: BaseProcess, handle: int | None = None) -> None:
        """`handle`: what `os.pidfd_open` gave, closed by `join`; None where `multiprocessing` can tell the end."""
        self._process = process
        self._handle = handle
        self.pid = process.pid
        self.end = process.sentinel if handle is None else handle
        """What `multiprocessing.connection.wait` can wait for: ready once the process is over."""
        self.exitcode: int | None = None
        """Known once joined."""

    def ended(self) -> bool:
        """Whether the process is over."""
        return bool(wait([self.end], timeout=0))

    def kill(self) -> None:
        """End it at once; nothing happens when it is over."""
        if self._handle is None:
            self._process.kill()
        else:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def join(self) -> None:
        """Wait for its end and learn its exit code: -N for signal N, 255 when what forked it is gone."""
        wait([self.end])
        if self._handle is not None:
            os.close(self._handle)
        self._process.join()
        self.exitcode = self._process.exitcode


class WorkerProcesses:
    """Starts processes; faster once `prepare` was called and has come to its end."""

    def __init__(self, modules: Sequence[str], environ: Mapping[str, str] | None = None) -> None:
        """`modules` are imported once for all processes that start later.

        `environ` holds for each process from its first moment on, and for this one, which hands it down.
        """
        os.environ.update(environ or {})
        self._modules = list(modules)
        self._spawning = multiprocessing.get_context("spawn")
        self._forking = multiprocessing.get_context("forkserver")
        self._preparing: threading.Thread | None = None
        # A handle of the process that forks, once it has imported.
        self._forker: int | None = None

    def prepare(self) -> None:
        """Import in the background, from now on; nothing happens when that was begun."""
        if _CAN_FORK and self._preparing is None:
            self._forking.set_forkserver_preload(self._modules)
            self._preparing = threading.Thread(target=self._prepare, name="prepare-workers", daemon=True)
            self._preparing.start()

    def start(self, work: Callable[..., Any], args: tuple[Any, ...], name: str) -> WorkerProcess:
        """A process in which `work(*args)` runs. Raises OSError when the system starts none."""
        if self._forker is not None:
            try:
                return self._forked(self._forker, work, args, name)
            except _CANNOT_FORK as error:
                os.close(self._forker)
                self._preparing = self._forker = None
                _log.error("%s cannot be forked (%s: %s) and is started afresh", name, type(error).__name__, error)
        return WorkerProcess(_started(self._spawning.Process(target=work, args=args, name=name)))

    def _forked(self, forker: int, work: Callable[..., Any], args: tuple[Any, ...], name: str) -> WorkerProcess:
        if wait([forker], timeout=0):
            # `multiprocessing` would start another one here, and wait until it has imported all.
            raise EOFError("the process that forks has ended")
        process = _started(self._forking.Process(target=work, args=args, name=name))
        assert process.pid is not None
        try:
            return WorkerProcess(process, os.pidfd_open(process.pid))
        except OSError:
            process.kill()
            raise

    def _prepare(self) -> None:
        # Starting a process waits for the imports, which the main process must not.
        theirs, ours = multiprocessing.Pipe()
        process = self._forking.Process(target=_tell_forker, args=(theirs,))
        try:
            _started(process)
            theirs.close()
            forker = os.pidfd_open(ours.recv())
        except _CANNOT_FORK as error:
            _log.error(
                "Fresh workers are started afresh, which takes longer: none can be forked (%s: %s)",
                *(type(error).__name__, error),
            )
            return
        finally:
            ours.close()
        process.join()
        self._forker = forker
        _log.info("Fresh workers are forked from now on")


def _started(process: BaseProcess) -> BaseProcess:
    # With the first process `multiprocessing` starts one that watches over semaphores, and lets every signal through
    # again: not after ours are blocked, or the first worker would be the one that Ctrl-C ends.
    ensure_running()
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _NOT_FOR_CHILDREN)
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    return process


def _tell_forker(pipe: "Connection[int, None]") -> None:
    pipe.send(os.getppid())
