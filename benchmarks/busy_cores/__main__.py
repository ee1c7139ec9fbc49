"""How long a text query takes while every core is kept busy, beside a machine that does nothing else.

    python -m benchmarks.busy_cores [--queries 60] [--rounds 5] [--threads 1]

The service answers texts that it has not seen, one after the other; in each second turn as many processes as there are
cores count. The exit code is 1 where the median beside them is more than three times the idle one.
"""

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.harness.served import served
from service.schemas.settings import Settings

_NEARFIELD = (sys.executable, "-c", "from service.cli import main; main()")
_PORT = 18_092
_NUM_ITEMS = 200
_BAR = 3.0


def main() -> None:
    """Print latencies idle and busy, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    taken: dict[str, list[float]] = {"idle": [], "busy": []}
    with tempfile.TemporaryDirectory() as folder:
        settings = _built(Path(folder), arguments.threads)
        with served(settings):
            _until_encoding()
            for turn in range(arguments.rounds):
                taken["idle"] += _asked(arguments.queries, f"idle {turn}")
                with _busy_cores():
                    taken["busy"] += _asked(arguments.queries, f"busy {turn}")
    medians = {name: float(np.median(seconds)) for name, seconds in taken.items()}
    table = Table("cores", "p50 ms", "p95 ms", "slowest ms", "p50 by idle", title=f"{arguments.threads} thread(s)")
    for name, seconds in taken.items():
        spread = (np.percentile(seconds, percent) * 1000 for percent in (50, 95, 100))
        table.add_row(name, *(f"{value:.1f}" for value in spread), f"{medians[name] / medians['idle']:.2f}")
    Console().print(table)
    sys.exit(medians["busy"] > _BAR * medians["idle"])


def _built(folder: Path, threads: int) -> Settings:
    rows = (
        {"id": f"item:{number}", "kind": "track", "title": f"Title {number}", "creator": "A band"}
        for number in range(_NUM_ITEMS)
    )
    catalogue = folder / "catalogue.jsonl"
    catalogue.write_text("".join(json.dumps(row) + "\n" for row in rows))
    subprocess.run([*_NEARFIELD, "index", "build", str(catalogue), "--activate"], cwd=folder, check=True)
    return Settings(data_dir=folder / ".nearfield", port=_PORT, default_market="SE", threads=threads)


def _until_encoding() -> None:
    while True:
        with urllib.request.urlopen(f"http://127.0.0.1:{_PORT}/health/ready") as answer:
            if json.load(answer)["encoder"] == "ready":
                return
        time.sleep(0.1)


def _asked(num: int, name: str) -> list[float]:
    """Seconds that each text took; none of them was asked before."""
    seconds = []
    for number in range(num):
        text = f"{name}: music number {number} for a long drive along a river at night"
        body = json.dumps({"text": text, "mode": "semantic", "limit": 10}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{_PORT}/v1/search", body)
        request.add_header("Content-Type", "application/json")
        began = time.perf_counter()
        with urllib.request.urlopen(request) as answer:
            answer.read()
        seconds.append(time.perf_counter() - began)
    return seconds


@contextmanager
def _busy_cores() -> Iterator[None]:
    """As many processes as there are cores count until the block ends."""
    processes = [multiprocessing.Process(target=_count, daemon=True) for _ in range(os.cpu_count() or 1)]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()


def _count() -> None:
    while True:
        pass


if __name__ == "__main__":
    main()
