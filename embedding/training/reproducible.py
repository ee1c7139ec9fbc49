"""Reproducible computation: what torch is set to while a model is trained, and set back to afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.utils import deterministic


@contextmanager
def reproducible(seed: int, device: torch.device) -> Iterator[None]:
    """Seeded random numbers and, on the CPU, only operations whose result does not depend on the order of threads.

    With half of the threads: the operations are small, and threads that wait for one another spin. On two cores with
    other work on them, two threads took 153 s for what one did in 27; on idle ones they gain a tenth.
    """
    before, threads = torch.are_deterministic_algorithms_enabled(), torch.get_num_threads()
    filled = deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(device.type == "cpu")
        torch.set_num_threads(max(1, threads // 2))
        # It would find reads of memory never written, at a tenth of the time of a step; there are none here.
        deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before)
            torch.set_num_threads(threads)
            deterministic.fill_uninitialized_memory = filled  # type: ignore[attr-defined]
