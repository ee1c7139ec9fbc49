"""One build's side of a comparison: a process that opens its world once, then takes a turn whenever it is told.

It reads names of figures from its input, a line each, and answers each with a line of JSON; its first line lists them.
"""

import importlib
import os
import sys
from pathlib import Path

import msgspec


def main() -> None:
    """Arguments: the benchmark, the build's folder, whatever else the benchmark takes."""
    name, folder, *arguments = sys.argv[1:]
    # Whatever a benchmark prints goes to the terminal; what answers is alone on the pipe.
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    turns = importlib.import_module(f"benchmarks.against.turns.{name}")
    with turns.opened(Path(folder), arguments) as takes:
        answers.write(msgspec.json.encode(list(takes)) + b"\n")
        by_name = {figure.name: take for figure, take in takes.items()}
        for line in sys.stdin:
            answers.write(msgspec.json.encode(by_name[line.rstrip("\n")]()) + b"\n")
