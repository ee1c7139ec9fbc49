"""How the processes of workers come to be: afresh at first, later as forks of one that has imported everything once.

A worker's imports, the text encoder's above all, take ten times as long as all else that it does before it answers.
The process that is forked imports them once, uses none of them, and so has no threads that a fork would lose.
"""

import logging
import multiprocessing
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess
from typing import Any

_log = logging.getLogger("nearfield.service")

# Elsewhere system libraries start threads of their own and do not survive a fork.
_CAN_FORK = sys.platform == "linux"
# Ctrl-C in a terminal and the end of a service unit go to every process; only the main one is to act on them, and it
# tells the others. A blocked signal is inherited; a worker unblocks what it handles itself.
_NOT_FOR_CHILDREN = {signal.SIGINT, signal.SIGTERM}

# What starting a process raises when the one that forks has ended (it may have been killed for its memory), or ends.
_CANNOT_FORK = (EOFError, OSError)


class WorkerProcesses:
    """Starts processes; faster once `prepare` was called and has come to its end."""

    def __init__(self, modules: Sequence[str]) -> None:
        """`modules` are imported once for all processes that start later."""
        self._modules = list(modules)
        self._spawning = multiprocessing.get_context("spawn")
        self._forking = multiprocessing.get_context("forkserver")
        self._preparing: threading.Thread | None = None
        self._prepared = False

    def prepare(self) -> None:
        """Import in the background, from now on; a second call does nothing."""
        if _CAN_FORK and self._preparing is None:
            self._forking.set_forkserver_preload(self._modules)
            self._preparing = threading.Thread(target=self._prepare, name="prepare-workers", daemon=True)
            self._preparing.start()

    def start(self, work: Callable[..., Any], args: tuple[Any, ...], name: str) -> BaseProcess:
        """A process in which `work(*args)` runs. Raises OSError when the system starts none."""
        if self._prepared:
            try:
                return _started(self._forking.Process(target=work, args=args, name=name))
            except _CANNOT_FORK as error:
                self._prepared, self._preparing = False, None
                _log.error("%s cannot be forked (%s: %s) and is started afresh", name, type(error).__name__, error)
        return _started(self._spawning.Process(target=work, args=args, name=name))

    def _prepare(self) -> None:
        # Starting a process waits for the imports, which the main process must not.
        process = self._forking.Process(target=_nothing)
        try:
            _started(process).join()
            trouble = f"it ended with exit code {process.exitcode}" if process.exitcode else None
        except _CANNOT_FORK as error:
            trouble = f"{type(error).__name__}: {error}"
        if trouble is not None:
            _log.error("Fresh workers are started afresh, which takes longer: none can be forked (%s)", trouble)
            return
        self._prepared = True
        _log.info("Fresh workers are forked from now on")


def _started(process: BaseProcess) -> BaseProcess:
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _NOT_FOR_CHILDREN)
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    return process


def _nothing() -> None:
    return
