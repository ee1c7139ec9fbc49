"""Turns of a whole build of a release, each in a process of its own, as `benchmarks.build` runs them.

    python -m benchmarks.against WORKTREE build [--items 100000] [--no-text]

Catalogue, model and the cache of text vectors are made once, by the build itself.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.against.moved import found, named
from benchmarks.against.turn import Figure, Take, Turn


@contextmanager
def opened(folder: Path, arguments: Sequence[str]) -> Iterator[dict[Figure, Take]]:
    """What is measured of this build, and how to take a turn of each."""
    parser = argparse.ArgumentParser(prog="build")
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--text", action=argparse.BooleanOptionalAction, default=True)
    asked = parser.parse_args(arguments)
    world = folder / f"build-{asked.items}-{asked.text}"
    found("benchmarks.build.world:make_world")(world, asked.items, text=asked.text)
    program = named("benchmarks.build.programs:BUILT").partition(":")[0]
    command = [sys.executable, "-P", "-m", program, "product", str(world), "text" if asked.text else "no-text"]

    def take() -> Turn:
        began, cpu_began = time.perf_counter(), _cpu_s_of_ended()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        return Turn(asked.items, time.perf_counter() - began, _cpu_s_of_ended() - cpu_began)

    yield {Figure("items built", "/s"): take}


def _cpu_s_of_ended() -> float:
    """Seconds of the processors of all children that have ended, and of theirs."""
    times = os.times()
    return times.children_user + times.children_system
