"""The pace of a stage: how long a step takes of late, and so how much time is left."""

import threading
import time
from collections import deque

# What is older says little of what comes, but for these newest parts.
_WINDOW_S, _LEAST_PARTS = 30.0, 4
# Steps in less time than that count as one part.
_PART_S = 0.25
# Before that nothing is known.
_LEAST_S = 1.0


class Pace:
    """Steps of one stage, and when they were done; several threads may add and ask.

    A step takes as long as in the middle of the time that was lately spent: half of it went to steps that were slower,
    half to faster ones. So a thousand steps that cost nothing, texts that were in the cache, do not hide how long the
    others take; where most of the time went without any step, nothing is known.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._start = self._last = time.monotonic()
        # When each part ended, how long it took, and its steps.
        self._parts: deque[tuple[float, float, int]] = deque()

    def add(self, steps: int) -> None:
        """Count `steps` that were done since the last call."""
        if steps <= 0:
            return
        with self._lock:
            now = time.monotonic()
            took = now - self._last
            self._last = now
            if self._parts and self._parts[-1][1] + took <= _PART_S:
                _, before, others = self._parts.pop()
                took, steps = before + took, others + steps
            self._parts.append((now, took, steps))
            while len(self._parts) > _LEAST_PARTS and self._parts[0][0] < now - _WINDOW_S:
                self._parts.popleft()

    def step_s(self) -> float | None:
        """Seconds that a step takes of late, None where that is not known."""
        with self._lock:
            now = time.monotonic()
            parts = sorted((took / steps, took) for _, took, steps in self._parts)
            spent = sum(took for _, took in parts) + now - self._last
            if now - self._start < _LEAST_S:
                return None
        passed = 0.0
        for step_s, took in parts:
            passed += took
            if 2 * passed >= spent:
                return step_s
        return None

    def left_s(self, steps: float) -> float | None:
        """Seconds that `steps` more will take, never 0 where there are any; None where that is not known."""
        step_s = self.step_s()
        if steps <= 0:
            return 0.0
        return None if step_s is None else max(0.1, round(steps * step_s, 1))
