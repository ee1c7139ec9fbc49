"""How long an answer may take, and what it had to do without.

Whoever makes an answer opens a budget; what it asks below, however deep, goes by it. Where none is open (builds,
commands) nobody waits for an answer, and calls take what they need.
"""

import time
from collections.abc import Callable
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Literal, Self

Lacking = Literal["engine"]
_open: ContextVar["AnswerBudget | None"] = ContextVar("answer budget", default=None)


class AnswerBudget:
    """The time for one answer, from when it is made; as a context manager it holds for what runs inside.

    `clock` gives seconds that never go back.
    """

    __slots__ = ("_clock", "_timeout_s", "_token", "_until", "lacking")

    def __init__(self, timeout_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._timeout_s, self._clock = timeout_s, clock
        self._token: Token[AnswerBudget | None] | None = None
        self._until = clock() + timeout_s
        self.lacking: tuple[Lacking, ...] = ()
        """What the answer was made without."""

    @property
    def left_s(self) -> float:
        """Seconds until the answer is due; below 0 when it is late."""
        return self._until - self._clock()

    def restart(self) -> None:
        """Count from now: for a wait that has a limit of its own."""
        self._until = self._clock() + self._timeout_s

    def go_without(self, what: Lacking) -> None:
        """Note that the answer is made without this."""
        if what not in self.lacking:
            self.lacking = (*self.lacking, what)

    def __enter__(self) -> Self:
        self._token = _open.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._token is not None:
            _open.reset(self._token)


def open_budget() -> AnswerBudget | None:
    """The budget of the answer that is being made, None outside of one."""
    return _open.get()
