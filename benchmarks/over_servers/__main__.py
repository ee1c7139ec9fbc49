"""What a Qdrant server and a PostgreSQL cost a query, beside the same service embedded with its state in files.

    python -m benchmarks.over_servers [--items 100000] [--query similar recommend] [--rounds 8] [--seconds 3]

One world on both sides, built by each itself; both servers are started here (NEARFIELD_TEST_QDRANT_BIN names Qdrant).
Where plans need no engine: `nearfield serve` on both sides with one worker and with two, asked in turns by `wrk` from
16 connections, and what Qdrant and the database count at rest and under load: no query may ask either.
Where every plan asks the engine (graph, ef 128): in this process, 16 queries at a time, beside a bare qdrant-client
that sends the first call of each query again; and how many calls a query takes.
"""

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.against.ratio import ratio_of
from benchmarks.floor.apps import PLAN
from benchmarks.harness import wrk
from benchmarks.harness.servers import running_servers
from benchmarks.over_servers.sides import build_sides
from benchmarks.over_servers.with_engine import Beside, measure
from benchmarks.over_servers.without_engine import Compared, compare

QUERIES = ("similar", "recommend")
_NUM_BODIES = 1_000
# Of the ratios; and of calls and transactions a query, as the database's own looks come and go by whole ones.
_OF_EMBEDDED, _OF_BARE, _A_QUERY = 0.95, 0.8, 0.001


def main() -> None:
    """Build both worlds, measure, print two tables; exit code 1 with a sentence for each bar that was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--query", nargs="+", choices=QUERIES, default=QUERIES)
    parser.add_argument("--rounds", type=int, default=8, help="three or more")
    parser.add_argument("--seconds", type=int, default=3, help="of each side in a round")
    arguments = parser.parse_args()
    wrk.require_wrk()
    # What a shell has set would hold for both services.
    for name in [name for name in os.environ if name.startswith("NEARFIELD_") and "_TEST_" not in name]:
        del os.environ[name]
    numbers = np.random.default_rng(5).integers(0, arguments.items, _NUM_BODIES).tolist()
    with tempfile.TemporaryDirectory(prefix="nearfield-over-servers-") as folder, running_servers() as servers:
        sides = build_sides(Path(folder), arguments.items, servers)
        for side in sides:
            side.go_by("columns")
        compared = [
            compare(sides, servers, query, numbers, workers, arguments.rounds, arguments.seconds)
            for query in arguments.query
            for workers in (1, 2)
        ]
        over_servers = sides[-1]
        over_servers.go_by(PLAN)
        beside = [measure(over_servers, servers, query, numbers, arguments.rounds) for query in arguments.query]
    console = Console(width=120)
    console.print(_of_compared(compared), _of_beside(beside))
    missed = [*_missed_embedded(compared), *_missed_bare(beside)]
    console.print("\n".join(missed) or "every bar is met", highlight=False)
    sys.exit(1 if missed else 0)


def _of_compared(compared: Sequence[Compared]) -> Table:
    table = Table(title="plans that need no engine, over HTTP, 16 connections")
    for heading in ("query", "workers", "embedded/s", "over servers/s", "ratio", "at rest, a second", "under load"):
        table.add_column(heading, justify="left" if heading == "query" else "right")
    for one in compared:
        rates = [f"{statistics.median(rates):,.0f}" for rates in (one.embedded, one.over_servers)]
        counted = [
            f"{counted.calls / counted.seconds:.2f} calls\n{counted.transactions / counted.seconds:.2f} transactions"
            for counted in (one.at_rest, one.under_load)
        ]
        table.add_row(one.query, str(one.workers), *rates, str(ratio_of(one.over_servers, one.embedded)), *counted)
    return table


def _of_beside(beside: Sequence[Beside]) -> Table:
    table = Table(title=f"plans that ask the engine (graph, ef {PLAN.ef}), in one process, 16 at a time")
    for heading in ("query", "bare client/s", "product/s", "ratio", "calls a query"):
        table.add_column(heading, justify="left" if heading == "query" else "right")
    for one in beside:
        rates = [f"{statistics.median(rates):,.0f}" for rates in (one.bare, one.product)]
        table.add_row(one.query, *rates, str(ratio_of(one.product, one.bare)), f"{one.calls_a_query:.3f}")
    return table


def _missed_embedded(compared: Sequence[Compared]) -> list[str]:
    missed = []
    for one in compared:
        what = f"{one.query}, {one.workers} worker(s)"
        ratio = ratio_of(one.over_servers, one.embedded)
        if not ratio.reaches(_OF_EMBEDDED):
            missed.append(f"{what}: expected {_OF_EMBEDDED} of embedded, came {ratio}")
        rest, load = one.at_rest, one.under_load
        for name, at_rest, under_load in (
            ("calls of Qdrant", rest.calls, load.calls),
            ("transactions", rest.transactions, load.transactions),
        ):
            more = under_load - at_rest * load.seconds / rest.seconds
            if more > _A_QUERY * load.queries:
                missed.append(f"{what}: {more:.0f} {name} came with {load.queries:,} queries, expected none")
    return missed


def _missed_bare(beside: Sequence[Beside]) -> list[str]:
    missed = []
    for one in beside:
        ratio = ratio_of(one.product, one.bare)
        if not ratio.reaches(_OF_BARE):
            missed.append(f"{one.query}: expected {_OF_BARE} of a bare client, came {ratio}")
        if one.calls_a_query != 1:
            missed.append(f"{one.query}: expected one call a query, came {one.calls_a_query:.3f}")
    return missed


if __name__ == "__main__":
    main()
