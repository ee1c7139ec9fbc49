"""What a crowd of slow clients takes from honest ones and from health, and whether its memory comes back.

    python -m benchmarks.slow_clients [--clients 1000] [--crowds 4] [--seconds 20]

Honest clients ask without a pause before each crowd, beside it and after it; what they get beside it is held against
the mean of before and after, as other work on the machine makes either faster. Health is asked over a connection of
its own each time. A crowd comes from other addresses, and whom the service closes comes again. Memory is the
worker's, when the crowd has gone: the allocator grows with the first, so that the later ones are held against that.
The exit code is 1 where a crowd leaves honest clients less than .9, a request of theirs fails, the slowest health
answer takes longer than 100 ms, memory after a later crowd is a twentieth more, or a stop beside a crowd takes longer
than 30 s.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.harness.load_clients import Load
from benchmarks.harness.served import NO_ENCODER, served
from service.schemas.settings import Settings

_NEARFIELD = (sys.executable, "-c", "from service.cli import main; main()")
_PORT = 18_091
_NUM_ITEMS = 400
_NUM_HONEST, _HEALTH_EVERY_S = 4, 0.02
_LEAST_GOODPUT, _HEALTH_WITHIN_MS, _STOP_WITHIN_S, _MOST_GROWTH = 0.9, 100.0, 30.0, 1.05


def main() -> None:
    """Print one row for each crowd."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=1_000)
    parser.add_argument("--crowds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=20)
    arguments = parser.parse_args()
    columns = (
        "crowd",
        "honest /s without",
        "beside",
        "share",
        "failed",
        "health p50 ms",
        "p99",
        "slowest",
        "MiB after",
    )
    table = Table(*columns, title=f"{arguments.clients} slow clients, {arguments.seconds:g} s each")
    missed = False
    with tempfile.TemporaryDirectory() as folder:
        settings = _built(Path(folder))
        with served(settings) as pid:
            first, shares = 0.0, []
            alone, _ = _asked(arguments.seconds)
            for number in range(1, arguments.crowds + 1):
                before = alone
                with _crowd(arguments.clients):
                    beside, health = _asked(arguments.seconds)
                held = _memory_once_gone(pid)
                alone, _ = _asked(arguments.seconds)
                first = first or held
                without = (before.num_requests + alone.num_requests) / 2
                shares.append(beside.num_requests / without)
                failed = len(before.failures) + len(beside.failures) + len(health.failures)
                slowest = health.percentile_ms(100)
                missed |= shares[-1] < _LEAST_GOODPUT or failed > 0 or slowest > _HEALTH_WITHIN_MS
                missed |= held > first * _MOST_GROWTH
                table.add_row(
                    *(str(number), f"{without / arguments.seconds:,.0f}"),
                    *(f"{beside.num_requests / arguments.seconds:,.0f}", f"{shares[-1]:.2f}", str(failed)),
                    *(f"{health.percentile_ms(percent):.1f}" for percent in (50, 99, 100)),
                    f"{held:.1f}",
                )
            with _crowd(arguments.clients):
                began = time.monotonic()
                psutil.Process(pid).terminate()
                psutil.Process(pid).wait(_STOP_WITHIN_S * 4)
                stopped_s = time.monotonic() - began
    console = Console(width=130)
    console.print(table)
    console.print(f"Share of the median crowd: {statistics.median(shares):.2f}")
    console.print(f"Stopped beside a crowd in {stopped_s:.1f} s")
    sys.exit(missed or stopped_s > _STOP_WITHIN_S)


def _built(folder: Path) -> Settings:
    rows = (
        {"id": f"item:{number}", "kind": "track", "title": f"Title {number} of {number % 97}", "creator": "A band"}
        for number in range(_NUM_ITEMS)
    )
    catalogue = folder / "catalogue.jsonl"
    catalogue.write_text("".join(json.dumps(row) + "\n" for row in rows))
    subprocess.run([*_NEARFIELD, "index", "build", str(catalogue), "--activate"], cwd=folder, check=True)
    return Settings(data_dir=folder / ".nearfield", port=_PORT, default_market="SE", encoder=NO_ENCODER)


def _asked(seconds: float) -> tuple[Load, Load]:
    body = json.dumps({"text": "title 7 of 7", "mode": "lexical", "limit": 10}).encode()
    honest, health = Load(_PORT, "/v1/search", body), Load(_PORT, "/health/live")
    with honest.running(_NUM_HONEST, 0), health.running(0, 1, _HEALTH_EVERY_S):
        time.sleep(seconds)
    return honest, health


@contextmanager
def _crowd(num: int) -> Iterator[None]:
    """A crowd that has come; it goes at the end of the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.slow_clients.crowd", str(_PORT), str(num)],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None
    try:
        until = time.monotonic() + 30
        while len(psutil.Process(process.pid).net_connections("tcp")) < num // 2 and time.monotonic() < until:
            time.sleep(0.1)
        yield
    finally:
        process.stdin.close()
        process.kill()
        process.wait()


def _memory_once_gone(pid: int) -> float:
    """MiB that the workers hold alone, when they have closed every connection."""
    workers = [child for child in psutil.Process(pid).children(True) if child.net_connections("tcp")]
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if not any(one.status == "ESTABLISHED" for worker in workers for one in worker.net_connections("tcp")):
            break
        time.sleep(0.2)
    return sum(worker.memory_full_info().uss for worker in workers) / 2**20


if __name__ == "__main__":
    main()
