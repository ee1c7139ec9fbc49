"""The clock that leases go by: nobody sets it, and it counts on while the machine sleeps; and the time of day by it."""

import logging
import time

_log = logging.getLogger("nearfield.state")

# A host whose own clock is off by more is told so.
_TOLERATED_S = 5.0


def boot_s() -> float:
    """Seconds of CLOCK_BOOTTIME; where a system has none, of its monotonic clock."""
    return time.clock_gettime(_CLOCK)


_CLOCK: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class SharedClock:
    """The time of day that all hosts go by: the database's as it was last read, and what has passed since on this
    machine's clock since boot. This host's own time of day decides nothing."""

    def __init__(self) -> None:
        self._offset_s: float | None = None
        self._told = False

    @property
    def is_known(self) -> bool:
        """Whether it was ever read."""
        return self._offset_s is not None

    def learn(self, epoch_s: float, sent_at: float) -> None:
        """The database said `epoch_s` (seconds since 1970) to a question sent at `sent_at` (`boot_s`)."""
        # It looked at its clock between question and answer. What was known before stays where it can be so: an answer
        # that was long under way, to a process that was stopped, tells little.
        least_s, most_s = epoch_s - boot_s(), epoch_s - sent_at
        known_s = (least_s + most_s) / 2 if self._offset_s is None else self._offset_s
        self._offset_s = min(max(known_s, least_s), most_s)
        off_s = time.time() - self.now()
        if abs(off_s) > _TOLERATED_S and not self._told:
            _log.warning("This host's clock is %+.0f s off the database's, which is the one that counts.", off_s)
        self._told = abs(off_s) > _TOLERATED_S

    def now(self) -> float:
        """Seconds since 1970; `learn` comes first."""
        assert self._offset_s is not None, "never read"
        return boot_s() + self._offset_s
