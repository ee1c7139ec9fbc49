"""What is measured in turns: so much work, in so many seconds of the clock and of the processors."""

import time
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct


class Turn(Struct, frozen=True):
    """One turn of one build. `cpu_s`: of every process that did the work, children too, but not of its clients."""

    work: float
    wall_s: float
    cpu_s: float


class Figure(Struct, frozen=True):
    """What is compared; `unit` is `/s` for a rate (work a second) and `ms` for a time (that one of work takes)."""

    name: str
    unit: str


Take = Callable[[], Turn]


def cpu_s_of(pid: int) -> float:
    """Seconds of the processors that a process has taken, by its own clock, which counts nanoseconds."""
    # The kernel's number for the clock of another process: what clock_getcpuclockid(3) gives.
    return time.clock_gettime((~pid << 3) | 2)


def children_of(pid: int) -> list[int]:
    """Its children, and theirs."""
    try:
        told = [tasks.read_text() for tasks in Path(f"/proc/{pid}/task").glob("*/children")]
    except FileNotFoundError:
        return []
    own = [int(child) for text in told for child in text.split()]
    return own + [grandchild for child in own for grandchild in children_of(child)]
