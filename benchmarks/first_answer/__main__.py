"""From the start of `nearfield run` to the first answer of the curl that it prints, beside another build.

    python -m benchmarks.first_answer ../before [--rounds 3] [--bar 0.7]

`../before` is a working tree of another commit (`git worktree add ../before COMMIT`). Both run with this environment's
packages, by turns, each in an empty folder, so that nothing is cached; a first `--help` of each compiles its modules.
Told are the clock and the processor seconds of all its processes. The exit code is 1 where the ratio of the medians
by the clock is above the bar.
"""

import argparse
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psutil
from rich.console import Console
from rich.table import Table

_HERE = Path(__file__).parents[2]
_PROGRAM = "from service.cli import main; main()"
_WITHIN_S = 900.0


class FirstAnswer(NamedTuple):
    """Seconds by the clock, and of processors, until the first answer came."""

    clock_s: float
    processors_s: float


def main() -> None:
    """Parse the command line, run both builds by turns, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path, help="working tree of another commit")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bar", type=float, default=0.7)
    arguments = parser.parse_args()
    trees = {"before": arguments.before.resolve(), "this build": _HERE}
    taken: dict[str, list[FirstAnswer]] = {name: [] for name in trees}
    for tree in trees.values():
        subprocess.run(_command("--help"), env=_environ(tree), stdout=subprocess.DEVNULL, check=True)
    for turn in range(arguments.rounds):
        for name, tree in trees.items():
            taken[name].append(_first_answer(tree))
            print(f"{turn + 1}/{arguments.rounds} {name}: {taken[name][-1]}", file=sys.stderr, flush=True)
    table = Table("", *trees, "ratio of medians", title=f"{arguments.rounds} runs of each, by turns")
    ratios = []
    for field, label in (("clock_s", "s by the clock"), ("processors_s", "s of processors")):
        values = [[getattr(one, field) for one in runs] for runs in taken.values()]
        ratios.append(median(values[1]) / median(values[0]))
        table.add_row(label, *(", ".join(f"{value:.1f}" for value in runs) for runs in values), f"{ratios[-1]:.2f}")
    Console(width=120).print(table)
    sys.exit(ratios[0] > arguments.bar)


def _command(*words: str) -> list[str]:
    return [sys.executable, "-P", "-u", "-c", _PROGRAM, *words]


def _environ(tree: Path) -> dict[str, str]:
    """This shell's, without what would change either build, with the packages of `tree`."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("NEARFIELD_")}
    own.pop("PYTHONDONTWRITEBYTECODE", None)
    return own | {"PYTHONPATH": str(tree)}


def _first_answer(tree: Path) -> FirstAnswer:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "stderr.log").open("w") as log:
        began = time.perf_counter()
        process = subprocess.Popen(
            _command("run", "--port", str(port)),
            cwd=folder,
            env=_environ(tree),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
        try:
            address = _printed_address(process, Path(log.name))
            with urllib.request.urlopen(address, timeout=60) as answer:
                answer.read()
            return FirstAnswer(round(time.perf_counter() - began, 2), round(_processors_s(process.pid), 2))
        finally:
            _end(process)


def _printed_address(process: "subprocess.Popen[bytes]", log: Path) -> str:
    """The address of the curl that it prints."""
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    deadline, printed = time.monotonic() + _WITHIN_S, ""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while time.monotonic() < deadline and process.poll() is None:
            if selector.select(timeout=1.0):
                printed += (process.stdout.read() or b"").decode()
            found = re.search(r"^ *curl '([^']+)'\n", printed, flags=re.MULTILINE)
            if found is not None:
                return found[1]
    sys.exit(f"`nearfield run` printed no curl; it said\n{printed}\n{log.read_text()}")


def _processors_s(pid: int) -> float:
    """Of a process and all below it, ended ones included."""
    root = psutil.Process(pid)
    times = [process.cpu_times() for process in (root, *root.children(recursive=True))]
    return float(sum(one.user + one.system + one.children_user + one.children_system for one in times))


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert process.stdout is not None
    process.stdout.close()


if __name__ == "__main__":
    main()
