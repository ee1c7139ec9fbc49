"""The product's build beside a bare loop over the engine: throughput and peak memory.

    python -m benchmarks.build [--items 100000] [--no-text] [--rounds 3] [--folder F]

The product: hash the inputs, read, encode from a warm cache, words, tower, columns, upsert, optimise, plans, gate,
hashes. The bare loop: the same points, vectors and words ready made in files, upserted and optimised by Qdrant Edge
with the same tuning and indexes. Both run by turns, each in a process of its own. Throughput is the bare loop's time
over the product's.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from benchmarks.build.programs import Seconds, keep_points
from benchmarks.build.world import make_world


class Took(Struct, frozen=True):
    """Seconds until all points were written, and until all was done; the most memory held at once, children too."""

    writing_s: float
    whole_s: float
    peak_bytes: int


_BAR_WHOLE, _BAR_WRITING, _BAR_MEMORY = 0.85, 0.7, 1.5


def main() -> None:
    """Parse the command line, run both by turns, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--text", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the made-up world lies or is built")
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.gettempdir()) / f"nearfield-build-{arguments.items}-{arguments.text}"
    make_world(folder, arguments.items, text=arguments.text)
    took: dict[str, list[Took]] = {"product": [], "bare": []}
    for _ in range(arguments.rounds):
        for name, runs in took.items():
            runs.append(_run(name, folder, text=arguments.text))
            keep_points(folder)
    _report(arguments.items, took)


def _run(name: str, folder: Path, *, text: bool) -> Took:
    command = [sys.executable, "-m", "benchmarks.build.programs", name, str(folder), "text" if text else "no-text"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        peak_bytes = 0
        while process.poll() is None:
            peak_bytes = max(peak_bytes, _memory_of_all(process.pid))
            time.sleep(0.02)
        out, _ = process.communicate()
    if process.returncode:
        sys.exit(f"{name} ended with {process.returncode}")
    seconds = msgspec.json.decode(out.splitlines()[-1], type=Seconds)
    return Took(seconds.writing, seconds.whole, peak_bytes)


def _memory_of_all(pid: int) -> int:
    """Bytes in memory of a process and its children now; pages that they share count for each."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    own = next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS")), 0)
    return own + sum(_memory_of_all(int(child)) for child in children)


def _report(num_items: int, took: dict[str, list[Took]]) -> None:
    table = Table(title=f"{num_items:,} items, medians of {len(took['bare'])} rounds by turns")
    for heading in ("", "written, s", "whole, s", "items/s", "peak memory, MiB"):
        table.add_column(heading, justify="left" if not heading else "right")
    middle = {}
    for name, runs in took.items():
        middle[name] = Took(
            writing_s=statistics.median(run.writing_s for run in runs),
            whole_s=statistics.median(run.whole_s for run in runs),
            peak_bytes=int(statistics.median(run.peak_bytes for run in runs)),
        )
        one = middle[name]
        rate = f"{num_items / one.whole_s:,.0f}"
        table.add_row(name, f"{one.writing_s:.1f}", f"{one.whole_s:.1f}", rate, f"{one.peak_bytes / 2**20:,.0f}")
    console = Console()
    console.print(table)
    product, bare = middle["product"], middle["bare"]
    console.print(
        f"throughput {bare.whole_s / product.whole_s:.3f} of the bare loop (bar {_BAR_WHOLE}), without optimising "
        f"{bare.writing_s / product.writing_s:.3f} (bar {_BAR_WRITING}); "
        f"memory {product.peak_bytes / bare.peak_bytes:.2f} times (bar {_BAR_MEMORY})",
        highlight=False,
    )


if __name__ == "__main__":
    main()
