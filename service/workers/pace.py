"""How long a service waits for its workers, and before another try."""

from msgspec import Struct

from service.workers.worker import IDLE_S


class Pace(Struct, frozen=True, kw_only=True):
    """How long things may take, in seconds.

    `patience_s`: for clients of a replaced worker to go by themselves. Longer than a connection may be idle at rest,
    so that a hand-over closes none that would not have been closed anyway.
    `finish_s`: for requests in flight after that. `load_s`: for a worker to load.
    `steady_s`: after which a worker counts as sound, and earlier deaths are forgotten.
    `retry_s`: before another try, doubled each time up to `max_retry_s`.
    """

    patience_s: float = IDLE_S + 1.0
    finish_s: float = 60.0
    load_s: float = 600.0
    steady_s: float = 30.0
    retry_s: float = 1.0
    max_retry_s: float = 120.0

    def delay(self, num_failures: int) -> float:
        """How long to wait before another try; none before the first."""
        return min(self.retry_s * 2 ** (num_failures - 1), self.max_retry_s) if num_failures else 0.0
