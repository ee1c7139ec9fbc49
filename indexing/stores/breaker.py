"""A circuit breaker: whether an address may be asked, is left alone for a moment, or is to be tried again.

closed     it answers, and is asked
open       it failed, and is left alone for `pause_s`
half-open  one call tries it; what comes of that closes the breaker, or opens it again
"""

import time
from collections.abc import Callable
from enum import Enum

# A slow query among others that are answered says nothing of the server; so many in a row do.
_FAILURES = 3
# Short, as a try costs one small call, and whoever comes back is to be asked within a second.
_PAUSE_S = 0.25


class Admits(Enum):
    """What may be asked now: everything, one call to try it, nothing."""

    ALL = "all"
    ONE_TRY = "one try"
    NOTHING = "nothing"


class Breaker:
    """The state of one address; `clock` gives seconds that never go back."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, *, failures: int = _FAILURES, pause_s: float = _PAUSE_S
    ) -> None:
        self._clock, self._failures, self._pause_s = clock, failures, pause_s
        self._num_failed = 0
        self._failing_since: float | None = None
        # None while it is closed.
        self._open_until: float | None = None
        self._trying = False

    @property
    def is_closed(self) -> bool:
        """Whether the address is asked as usual."""
        return self._open_until is None

    def admits(self) -> Admits:
        """What may be asked now; who is told ONE_TRY must make it, and say how it went."""
        if self._open_until is None:
            return Admits.ALL
        if self._trying or self._clock() < self._open_until:
            return Admits.NOTHING
        self._trying = True
        return Admits.ONE_TRY

    def failed(self, *, at_once: bool) -> bool:
        """A call got no answer; `at_once` where that is sure to hold for the next one too. Whether it was well before.

        Opens the breaker after three in a row, or at once.
        """
        was_well = self._failing_since is None
        if was_well:
            self._failing_since = self._clock()
        self._num_failed += 1
        if at_once or self._trying or self._num_failed >= self._failures:
            self._open_until = self._clock() + self._pause_s
            self._trying = False
        return was_well

    def answered(self) -> float | None:
        """A call was answered: closes the breaker. For how many seconds it had failed before, None where it had not."""
        since, self._failing_since = self._failing_since, None
        self._num_failed, self._open_until, self._trying = 0, None, False
        return None if since is None else self._clock() - since
