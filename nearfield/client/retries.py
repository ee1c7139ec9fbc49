"""Which calls are sent again after a failure, when, and how long all tries may take together."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated

import httpx
from msgspec import Meta, Struct

# Nothing of the call reached the service.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
# Another try would fail alike.
_NEVER = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)
_ANOTHER_TIME = frozenset({408, 429, 502, 503, 504})
# The request was not read to its end, or not begun with.
_NOT_TAKEN = frozenset({408, 429})
# With these the service says that nothing was done. Not `state-unavailable`: a change that it was answered to may have
# been kept.
_NOT_DONE = frozenset({"urn:nearfield:problem:encoder-loading", "urn:nearfield:problem:no-room"})


class Retries(Struct, frozen=True, kw_only=True):
    """How often a call is tried (`attempts`), and how long all of that may take (`total_s`, waits included).

    Between two tries the client waits as long as `Retry-After` says; without it a random time up to `first_wait_s`,
    twice that after each further try, at most `longest_wait_s`. Where the wait would end after `total_s`, there is no
    other try, and the error says what the service asked for.
    """

    attempts: Annotated[int, Meta(ge=1)] = 4
    total_s: float = 30.0
    first_wait_s: float = 0.2
    longest_wait_s: float = 5.0

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.total_s <= 0:
            raise ValueError(f"expected at least one attempt within more than 0 s, came {self}")


RETRIES = Retries()
NO_RETRIES = Retries(attempts=1)


def may_follow(error: httpx.TransportError, repeatable: bool) -> bool:
    """Whether a call may be sent again that ended like this; `repeatable`: whether it may be done twice."""
    return isinstance(error, _NOT_SENT) or (repeatable and not isinstance(error, _NEVER))


def may_repeat(status: int, problem_type: str, repeatable: bool) -> bool:
    """Whether a call may be sent again that was answered like this."""
    if status not in _ANOTHER_TIME:
        return False
    return repeatable or status in _NOT_TAKEN or problem_type in _NOT_DONE


def retry_after_s(header: str | None, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> float | None:
    """Seconds from now that a Retry-After header asks for (a number of seconds, or an HTTP date), never negative; None
    without one that can be read."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    # An HTTP date is in GMT; `-0000` in its place is read without a zone.
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - now()).total_seconds())


class Tries:
    """The tries of one call; `now` gives seconds that only rise, `draw` a number in [0, 1)."""

    def __init__(self, retries: Retries, now: Callable[[], float], draw: Callable[[], float] = random.random) -> None:
        self._retries, self._now, self._draw = retries, now, draw
        self._ends_s = now() + retries.total_s
        self.made = 0

    @property
    def left_s(self) -> float:
        """Seconds left of the time for all tries."""
        return self._ends_s - self._now()

    def wait_s(self, asked_s: float | None) -> float | None:
        """How long to wait before the next try, where `asked_s` was asked for; None where there is none."""
        if self.made >= self._retries.attempts:
            return None
        longest = min(self._retries.longest_wait_s, self._retries.first_wait_s * 2 ** (self.made - 1))
        wait = longest * self._draw() if asked_s is None else asked_s
        return wait if wait < self.left_s else None
