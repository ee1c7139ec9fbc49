"""Turns of training steps over catalogues of two sizes, as `benchmarks.training_step` times them.

python -m benchmarks.against WORKTREE training_step [--items 100000 1000000] [--steps 5]
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import torch

from benchmarks.against.moved import found
from benchmarks.against.turn import Figure, Take, Turn

# Steps until the memory of most rows that will be touched is there.
_WARM_UP = 40


@contextmanager
def opened(_folder: Path, arguments: Sequence[str]) -> Iterator[dict[Figure, Take]]:
    """What is measured of this build, and how to take a turn of each."""
    parser = argparse.ArgumentParser(prog="training_step")
    parser.add_argument("--items", type=int, nargs="+", default=[100_000, 1_000_000], help="sizes of the catalogue")
    parser.add_argument("--steps", type=int, default=5, help="of a turn")
    asked = parser.parse_args(arguments)
    # As training does: threads that wait for one another spin.
    torch.set_num_threads(max(1, torch.get_num_threads() // 2))
    run = found("benchmarks.training_step.run:Run")
    yield {
        Figure(f"pairs, {items:,} items", "/s"): _take(run(items, rows_only=True), asked.steps) for items in asked.items
    }


def _take(run: Any, steps: int) -> Take:
    coming = count()
    for _ in range(_WARM_UP):
        run.step(next(coming))

    def take() -> Turn:
        began, cpu_began = time.perf_counter(), time.process_time()
        for _ in range(steps):
            run.step(next(coming))
        pairs = steps * run.config.batch_size
        return Turn(pairs, time.perf_counter() - began, time.process_time() - cpu_began)

    return take
