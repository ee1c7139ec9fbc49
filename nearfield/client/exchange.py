"""One call from its first try to its answer, without sending anything: what both clients do between two tries."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Generic, NoReturn, TypeVar

import httpx
from msgspec import Struct

from nearfield.client.errors import NoAnswerError, ProblemError, error_of, problem_of
from nearfield.client.retries import Retries, Tries, may_follow, may_repeat, retry_after_s
from nearfield.client.route import Call

T = TypeVar("T")
_log = logging.getLogger("nearfield.client")
_FAILED = 400


class Received(Struct, frozen=True):
    """An answer as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Exchange(Generic[T]):
    """The tries of one call. Its user sends `request`, hands over what became of it, and waits as long as it is told.

    `answer` is there when nothing is to be waited for any more.
    """

    answer: T

    def __init__(
        self, call: Call[T], retries: Retries, timeout_s: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        """`timeout_s`: how long one try may take."""
        self._call = call
        self._timeout_s = timeout_s
        self._now = now
        self._tries = Tries(retries, now)
        self._try_ends_s = 0.0

    def begin(self) -> float:
        """Begin the next try; how many seconds it may take."""
        self._tries.made += 1
        longest = min(self._timeout_s, self._tries.left_s)
        self._try_ends_s = self._now() + longest
        return longest

    def check_time(self) -> None:
        """httpx.ReadTimeout where this try has taken longer than it may, however steadily its answer drips."""
        if self._now() > self._try_ends_s:
            raise httpx.ReadTimeout("the whole answer did not come in time")

    def failed(self, error: httpx.TransportError) -> float:
        """The try ended without an answer: seconds to wait before the next one. NoAnswerError where there is none."""
        wait_s = self._tries.wait_s(None) if may_follow(error, self._call.route.repeatable) else None
        told = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        if wait_s is None:
            raise NoAnswerError(f"{self._call}: no answer after {self._made()} ({told}){self._unsure()}") from error
        self._say(told, wait_s)
        return wait_s

    def came(self, received: Received) -> float | None:
        """The try was answered: None where `answer` is there now, else seconds to wait before the next one.

        ProblemError, or UnexpectedAnswerError, where there is none.
        """
        if received.status < _FAILED or received.status in self._call.route.statuses:
            self.answer = self._call.answer(received.status, received.body)
            return None
        problem = problem_of(received.status, received.headers.get("content-type", ""), received.body)
        asked_s = retry_after_s(received.headers.get("retry-after"))
        may = may_repeat(received.status, problem.type, self._call.route.repeatable)
        wait_s = self._tries.wait_s(asked_s) if may else None
        if wait_s is None:
            self._give_up(error_of(problem, asked_s))
        self._say(f"{problem.status} {problem.title}", wait_s)
        return wait_s

    def _give_up(self, error: ProblemError) -> NoReturn:
        if self._tries.made > 1:
            error.add_note(f"{self._call}: after {self._made()}")
        raise error

    def _made(self) -> str:
        return "1 try" if self._tries.made == 1 else f"{self._tries.made} tries"

    def _unsure(self) -> str:
        return "" if self._call.route.repeatable else "; the change may have been made, or not"

    def _say(self, told: str, wait_s: float) -> None:
        _log.info("%s: %s; another try in %.1f s", self._call, told, wait_s)
