"""Ctrl-C in a command: one is enough, it ends within two seconds with exit code 130, and says how to go on.

Python by itself sees a Ctrl-C only between two steps of its own, asyncio hands it to the next `await` that waits, and a
process does not end before its threads have. What a command writes can be gone on with after a kill at any moment, so
that one which has not ended in time may be ended as if killed.
"""

import functools
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
EXIT_INTERRUPTED = 130
# For temporary folders, connections and locks; what takes longer is cut short.
_GRACE_S = 1.3
_ADVICE = "The same command does it again."
# A bar hides the cursor of the terminal.
_SHOW_CURSOR = "\x1b[?25h"


class _Interruption:
    """What is known of this process: how to go on with its command, and whether it was stopped and has said so."""

    def __init__(self) -> None:
        self.advice: str | None = None
        self._stopped = self._said = False

    def on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002  # Python names them
        """Stop the command at the first Ctrl-C; another one must not disturb how it ends."""
        if not self._stopped:
            self._stopped = True
            raise KeyboardInterrupt

    def say(self) -> None:
        """Say once, on stderr, that the command was stopped and how to go on; whoever holds Python's own stream."""
        if not self._said:
            self._said = True
            os.write(2, f"nearfield: stopped. {self.advice or _ADVICE}\n".encode())

    def watch(self, signals: int) -> None:
        """End the process when it has not ended by itself a while after Ctrl-C; `signals`: where C notes each one."""
        while number := os.read(signals, 1):
            # `nearfield serve` ends in its own way, its requests answered.
            if number[0] == signal.SIGINT and signal.getsignal(signal.SIGINT) == self.on_signal:
                break
        time.sleep(_GRACE_S)
        if sys.stderr.isatty():
            os.write(2, _SHOW_CURSOR.encode())
        self.say()
        os._exit(EXIT_INTERRUPTED)


_interruption = _Interruption()


def end_on_interrupt() -> None:
    """From now on Ctrl-C ends this process, in the main thread by KeyboardInterrupt, and within two seconds at all.

    Where whoever started it has it ignore Ctrl-C, as a script does with what it leaves in the background, it does.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        return
    signals, noted = os.pipe()
    os.set_blocking(noted, False)
    signal.set_wakeup_fd(noted, warn_on_full_buffer=False)
    # A process that is forked off has signals of its own.
    os.register_at_fork(after_in_child=lambda: signal.set_wakeup_fd(-1))
    signal.signal(signal.SIGINT, _interruption.on_signal)
    threading.Thread(target=_interruption.watch, args=(signals,), daemon=True, name="interruption").start()


@contextmanager
def ends_while_importing() -> Iterator[None]:
    """While the modules of a command are imported: Ctrl-C ends the process at once, as nothing is open yet.

    Where whoever started it has it ignore Ctrl-C, it does; in another thread than the main one nothing is changed.
    """
    before = signal.getsignal(signal.SIGINT)
    if before != signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # Python names them
        say_stopped()
        os._exit(EXIT_INTERRUPTED)

    signal.signal(signal.SIGINT, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def say_stopped() -> None:
    """Say, unless it was said, that the command was stopped and how to go on."""
    _interruption.say()


def leave_interrupted() -> NoReturn:
    """End the process, all that it had open being closed: neither its threads nor its modules are waited for."""
    sys.stdout.flush()
    os._exit(EXIT_INTERRUPTED)


def goes_on(advice: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Of a command: the sentences that tell what a Ctrl-C leaves, and how to go on from there."""

    def wrap(command: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(command)
        def advised(*args: P.args, **kwargs: P.kwargs) -> T:
            # `nearfield run` runs other commands: what was typed is what can be typed again.
            _interruption.advice = _interruption.advice or advice
            return command(*args, **kwargs)

        return advised

    return wrap
