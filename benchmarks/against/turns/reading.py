"""Turns of reading rows of each format, as `benchmarks.reading` reads them, in process.

python -m benchmarks.against WORKTREE reading [--items 5000]
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.against.turn import Figure, Take, Turn
from benchmarks.reading.reader import read
from benchmarks.reading.world import write_files


@contextmanager
def opened(folder: Path, arguments: Sequence[str]) -> Iterator[dict[Figure, Take]]:
    """What is measured of this build, and how to take a turn of each."""
    parser = argparse.ArgumentParser(prog="reading")
    parser.add_argument("--items", type=int, default=5_000, help="rows of a file, which a turn reads once")
    asked = parser.parse_args(arguments)
    takes = {Figure(f"rows of {name}", "/s"): _take(path) for name, path in write_files(folder, asked.items).items()}
    for take in takes.values():
        # To get warm.
        take()
    yield takes


def _take(path: Path) -> Take:
    def take() -> Turn:
        began, cpu_began = time.perf_counter(), time.process_time()
        rows = read(path)
        return Turn(rows, time.perf_counter() - began, time.process_time() - cpu_began)

    return take
