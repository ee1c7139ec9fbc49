"""Activate and rollback under load: how many requests fail, and how long the others take meanwhile.

    python -m benchmarks.handover [--switches 100] [--workers 1 2]

Two releases of the made-up catalogue are switched to and fro, each switch waiting for the one before, under clients
that keep their connection and clients that open one for each request. The fresh workers load their text encoder
before they take over, on the same cores as everything else. At rest is once the first workers have theirs and the
process is prepared that fresh workers are forked from, half a minute after that.
"""

import argparse
import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.handover.switching import PORT, live_id, releases_of, switch
from benchmarks.harness.load_clients import Load

NEARFIELD = [sys.executable, "-c", "from service.cli import main; main()"]
REST_S = 10.0
# Answers in a row, each over a connection of its own, after which no worker is taken to load any more.
_ALL_READY = 40
# Encoding more of them would take longer than it is worth: loading 400 or 2,000 items makes no difference.
NUM_ITEMS = 400
# Enough to keep one core half busy; clients without a pause would measure themselves.
NUM_KEPT, NUM_FRESH, THINK_S = 4, 4, 0.01


@dataclass(frozen=True)
class Run:
    """One number of workers: what clients saw at rest and during the switches, and how long each switch took."""

    workers: int
    rest: Load
    switching: Load
    switch_s: list[float]


def main() -> None:
    """Print one row for each number of workers; the exit code is 1 when a request failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--switches", type=int, default=100)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        _build_twice(Path(folder))
        runs = [_measure(Path(folder), workers, arguments.switches) for workers in arguments.workers]
    _report(runs)
    sys.exit(any(run.rest.failures or run.switching.failures for run in runs))


def _build_twice(folder: Path) -> None:
    _run(folder, "sample", "whole")
    rows = (folder / "whole" / "catalogue.jsonl").read_text().splitlines(keepends=True)
    (folder / "catalogue.jsonl").write_text("".join(rows[:NUM_ITEMS]))
    for _ in range(2):
        _run(folder, "index", "build", "catalogue.jsonl", "--activate")


def _run(folder: Path, *command: str) -> None:
    subprocess.run([*NEARFIELD, *command], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def _measure(folder: Path, workers: int, num_switches: int) -> Run:
    first_id = json.loads((folder / "catalogue.jsonl").open().readline())["id"]
    body = json.dumps({"seeds": [{"id": first_id}], "limit": 10}).encode()
    both = [manifest.id for manifest in releases_of(folder).manifests()]
    rest, switching = (Load(PORT, "/v1/similar", body) for _ in range(2))
    switch_s = []
    # What hashes a release's files and asks who answers would, in this process, hold up the clients.
    apart = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
    apart.submit(live_id, folder).result()
    with apart, _served(folder, workers):
        with rest.running(NUM_KEPT, NUM_FRESH, THINK_S):
            time.sleep(REST_S)
        with switching.running(NUM_KEPT, NUM_FRESH, THINK_S):
            for _ in range(num_switches):
                live = apart.submit(live_id, folder).result()
                other = next(release for release in both if release != live)
                began = time.monotonic()
                apart.submit(switch, folder, other, body).result()
                switch_s.append(time.monotonic() - began)
    return Run(workers, rest, switching, switch_s)


@contextmanager
def _served(folder: Path, workers: int) -> Iterator[None]:
    log = folder / f"serve-{workers}.log"
    with log.open("w") as lines:
        service = subprocess.Popen(
            [*NEARFIELD, "serve", "--workers", str(workers), "--port", str(PORT)], cwd=folder, stderr=lines
        )
    try:
        while "serves release" not in log.read_text():
            if service.poll() is not None:
                sys.exit(log.read_text())
            time.sleep(0.1)
        ready = 0
        while ready < _ALL_READY:
            ready = ready + 1 if _is_ready() else 0
            time.sleep(0.05)
        while "are forked from now on" not in log.read_text():
            time.sleep(0.1)
        yield
    finally:
        service.terminate()
        service.wait()


def _is_ready() -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/health/ready") as answer:
        encoder = json.load(answer)["encoder"]
    if encoder == "absent":
        sys.exit("a worker has no text encoder, whose loading is a part of what is measured; its log tells why")
    return bool(encoder == "ready")


def _report(runs: list[Run]) -> None:
    table = Table(
        *("workers", "switches", "s each", "requests", "failed", "p50 ms", "p99 ms", "slowest ms", "p99 ms at rest")
    )
    for run in runs:
        table.add_row(
            str(run.workers),
            str(len(run.switch_s)),
            f"{sum(run.switch_s) / len(run.switch_s):.1f}",
            f"{run.switching.num_requests:,}",
            str(len(run.switching.failures)),
            *(f"{run.switching.percentile_ms(share):.1f}" for share in (50, 99, 100)),
            f"{run.rest.percentile_ms(99):.1f}",
        )
    console = Console(width=120)
    console.print(table)
    for failure in (failure for run in runs for failure in run.switching.failures[:10]):
        console.print(failure)


if __name__ == "__main__":
    main()
