"""What arrangement, a next page and `explain` cost: throughput beside the plain query, ratios of one run.

    python -m benchmarks.arranged [--items 100000] [--rounds 7]

In process, without HTTP: `similar` under market, window and explicit rules, limit 20, each request from its JSON to
that of its answer. `plain` has no arrangement rule at all; `all` has caps per creator and tag, MMR, freshness,
popularity, one recording once and 500 items seen. Beside each: whether every page is full and obeys the caps.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks.arranged.sides import NUM_QUERIES, SIDES, Side, ask_of, bodies_of
from benchmarks.harness.asking import Ask
from benchmarks.harness.opened_world import LIMIT, opened_world
from service.schemas.requests import SimilarRequest

DIMS = 64
_decoder = msgspec.json.Decoder(SimilarRequest)


def main() -> None:
    """Parse the command line and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--folder", type=Path, help="where the made-up world lies or is built")
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.gettempdir()) / f"nearfield-world-{arguments.items}"
    parts = opened_world(folder, arguments.items, DIMS)
    sides = {side.name: (side, ask_of(parts, side)) for side in SIDES}
    taken: dict[str, list[float]] = {name: [] for name in sides}

    async def measure() -> dict[str, bool]:
        await parts.store.open(parts.live.release.id)
        bodies = {name: await bodies_of(parts, side, ask) for name, (side, ask) in sides.items()}
        obeyed = {name: await _obeyed(side, ask, bodies[name]) for name, (side, ask) in sides.items()}
        for _ in range(arguments.rounds):
            for name, (_, ask) in sides.items():
                start = time.perf_counter()
                for body in bodies[name]:
                    msgspec.json.encode(await ask(_decoder.decode(body)))
                taken[name].append(time.perf_counter() - start)
        return obeyed

    obeyed = asyncio.run(measure())
    table = Table(title=f"{arguments.items:,} items, limit {LIMIT}, {NUM_QUERIES} queries")
    for heading in ("request", "queries/s", "of plain", "bar", "full, caps kept"):
        table.add_column(heading, justify="left" if heading == "request" else "right")
    for name, (side, _) in sides.items():
        ratio = statistics.median(a / b for a, b in zip(taken["plain"], taken[name], strict=True))
        bound = "" if side.at_least is None else f"≥ {side.at_least:.2f}"
        rate = NUM_QUERIES / statistics.median(taken[name])
        table.add_row(name, f"{rate:,.0f}", f"{ratio:.3f}", bound, "yes" if obeyed[name] else "NO")
    Console().print(table)


async def _obeyed(side: Side, ask: Ask, bodies: list[bytes]) -> bool:
    """Whether every page is full and within the caps."""
    cap = side.arrangement.max_per_creator or LIMIT
    for body in bodies:
        answer = msgspec.json.encode(await ask(_decoder.decode(body)))
        hits: list[dict[str, Any]] = msgspec.json.decode(answer)["hits"]
        creators = Counter(name for hit in hits for name in hit["creators"])
        if len(hits) != LIMIT or max(creators.values()) > cap:
            return False
    return True


if __name__ == "__main__":
    main()
