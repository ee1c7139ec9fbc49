"""What it costs to leave out what a listener has heard, or what a request names: ratios of one run, recall beside each.

    python -m benchmarks.seen [--items 1000000] [--share 0.1] [--rounds 5]

In process, without HTTP: each request from its JSON to that of its answer, limit 20. A tenth of the catalogue is heard:
drawn by popularity (Zipf), or the nearest ones of each query, all of them; the first is set beside a listener who has
heard nothing, the second beside an exact search of the columns. 1,000 ids in `exclude` are set beside none. Recall is
against brute force over what may be shown.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.harness.opened_world import LIMIT, opened_world
from benchmarks.seen.sides import NUM_QUERIES, K, Side, sides_of

DIMS = 64


def main() -> None:
    """Parse the command line and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--share", type=float, default=0.1, help="of the catalogue that was heard")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where the made-up world lies or is built")
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.gettempdir()) / f"nearfield-world-{arguments.items}"
    parts = opened_world(folder, arguments.items, DIMS)
    num_heard = int(arguments.share * arguments.items)
    sides = sides_of(parts, num_heard)
    taken: dict[str, list[float]] = {side.name: [] for side in sides}

    async def measure() -> list[str]:
        await parts.store.open(parts.live.release.id)
        recalls = [f"{await _recall(side):.4f}" for side in sides]
        for _ in range(arguments.rounds):
            for side in sides:
                taken[side.name].append(await _asked(side))
        return recalls

    recalls = asyncio.run(measure())
    table = Table(title=f"{arguments.items:,} items, {num_heard:,} of them heard, limit {LIMIT}, {NUM_QUERIES} queries")
    for heading in ("left out", "ms", "beside", "ratio", "at most", f"recall@{K}"):
        table.add_column(heading, justify="left" if heading in ("left out", "beside") else "right")
    for side, recall in zip(sides, recalls, strict=True):
        ratio = statistics.median(a / b for a, b in zip(taken[side.name], taken[side.beside], strict=True))
        bound = "" if side.at_most is None else f"{side.at_most:g}"
        took_ms = f"{statistics.median(taken[side.name]):.2f}"
        table.add_row(side.name, took_ms, side.beside, f"{ratio:.2f}", bound, recall)
    Console().print(table)


async def _asked(side: Side) -> float:
    """Milliseconds for one query, on average."""
    start = time.perf_counter()
    for place in range(NUM_QUERIES):
        await side.ask(place)
    return (time.perf_counter() - start) / NUM_QUERIES * 1_000


async def _recall(side: Side) -> float:
    """Part of the exact ten nearest that come, ties counted as found."""
    found = 0
    for place in range(NUM_QUERIES):
        scores = await side.ask(place)
        assert len(scores) == LIMIT, f"{side.name}: {len(scores)} hits"
        found += sum(score >= side.tenth(place) - 1e-5 for score in scores[:K])
    return found / (K * NUM_QUERIES)


if __name__ == "__main__":
    main()
