"""Throughput and latency of `similar` and `recommend` beside a bare floor and beside raw queries, with recall.

    python -m benchmarks.floor [--items 100000] [--query similar recommend] [--rounds 5] [--seconds 4]

Market, window and explicit rules are on, limit 20. `recommend` is asked for known users, each with 50 listens; its
floor runs the query tower's forward too. Over HTTP with one worker and with two, and in process without HTTP.
Floor and product run in turn, round by round, so that a noisy machine disturbs both; the ratio is the median of the
rounds. Latencies come from an open loop at half of each one's own capacity. The client is `wrk` (Debian: apt-get
install wrk), for latencies benchmarks/harness/open_loop.py.
"""

import argparse
import json
import os
import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.floor.in_process import SIDES, rates_in_process
from benchmarks.floor.serving import body_of, post, served
from benchmarks.harness import wrk
from benchmarks.harness.open_loop import latencies_ms
from benchmarks.harness.opened_world import CONTEXT, FOLDER, LIMIT, opened, planted_tower
from benchmarks.harness.world import NUM_USERS, PlantedEncoder, build_world

DIMS = 64
NUM_BODIES = 1_000
QUERIES = ("similar", "recommend")
# Applications of benchmarks.floor.apps. The floor asks the engine; the other one asks by the plan of the product, which
# may be a scan of the columns that is several times cheaper than the engine.
_PORTS = {"floor": 18_081, "product": 18_082, "floor_by_plan": 18_083}


def main() -> None:
    """Build the world if need be, then measure; for each query print tables in process, of one worker, of two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--query", nargs="+", choices=QUERIES, default=QUERIES)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--folder", type=Path, help="where the made-up world lies or is built")
    arguments = parser.parse_args()
    wrk.require_wrk()
    folder = arguments.folder or Path(tempfile.gettempdir()) / f"nearfield-world-{arguments.items}"
    build_world(folder, arguments.items, PlantedEncoder(DIMS))
    os.environ[FOLDER] = str(folder)
    console = Console()
    numbers = np.random.default_rng(5).integers(0, arguments.items, NUM_BODIES).tolist()
    for query in arguments.query:
        bodies = [body_of(query, number) for number in numbers]
        rates, recall = rates_in_process(query, bodies, arguments.rounds)
        _report(console, f"{query} in process", rates, SIDES[0])
        console.print(f"recall@10 of the raw engine's query: {recall:.4f}", highlight=False)
        for workers in (1, 2):
            with ExitStack() as stack:
                scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                for name, port in _PORTS.items():
                    stack.enter_context(served(f"benchmarks.floor.apps:build_{name}", port, workers, query, bodies[0]))
                script = wrk.write_script(scratch, query, bodies)
                rates = _rounds(script, query, arguments.rounds, arguments.seconds)
                _report(console, f"{query} over HTTP, {workers} worker(s)", rates, "product")
                _report_latencies(console, query, bodies, rates, arguments.seconds)
                if workers == 1:
                    console.print(f"recall@10 of the product: {_recall(query, numbers[:200]):.4f}", highlight=False)


def _rounds(script: Path, query: str, rounds: int, seconds: int) -> dict[str, list[float]]:
    rates: dict[str, list[float]] = {name: [] for name in _PORTS}
    for port in _PORTS.values():
        # Long enough for every body to have been asked, by each worker.
        wrk.ask(script, _address(port, query), 4)
    for _ in range(rounds):
        for name, port in _PORTS.items():
            rates[name].append(wrk.ask(script, _address(port, query), seconds).rate)
    return rates


def _address(port: int, query: str) -> str:
    return f"http://127.0.0.1:{port}/v1/{query}"


def _recall(query: str, numbers: list[int]) -> float:
    """Recall@10 of the product's answers over HTTP against an exact scan of all items that the rules let pass."""
    _, release, rules = opened()
    tower = planted_tower(DIMS)
    accepts = rules.compile(CONTEXT).accepts
    allowed = np.array([accepts(release.columns.payload(row)) for row in range(len(release.columns))])
    vectors = release.columns.vectors("text")
    found = 0
    for number in numbers:
        if query == "similar":
            left_out, vector = np.array([number]), vectors[number]
        else:
            user = release.users.history(number % NUM_USERS)
            left_out, vector = user.heard, tower.encode(vectors[user.rows], np.array(user.weights), CONTEXT.at_s)
        scores = np.where(allowed, vectors @ vector, -np.inf)
        scores[left_out] = -np.inf
        tenth = np.partition(scores, -10)[-10]
        hits = json.loads(post(_PORTS["product"], query, body_of(query, number)))["hits"][:10]
        found += sum(hit["score"] >= tenth - 1e-5 for hit in hits)
    return found / (10 * len(numbers))


def _report(console: Console, title: str, rates: dict[str, list[float]], product: str) -> None:
    table = Table("", "a second", "min", "max", f"{product} / this", title=f"{title}, limit {LIMIT}")
    for name, values in rates.items():
        ratio = statistics.median(one / other for one, other in zip(rates[product], values, strict=True))
        figures = (statistics.median(values), min(values), max(values))
        table.add_row(name, *(f"{value:,.0f}" for value in figures), f"{ratio:.3f}")
    console.print(table)


def _report_latencies(
    console: Console, query: str, bodies: list[bytes], rates: dict[str, list[float]], seconds: int
) -> None:
    table = Table("", "a second", "p50 ms", "p99 ms", title=f"{query}, open loop at half of its own capacity")
    for name, port in _PORTS.items():
        half = statistics.median(rates[name]) / 2
        taken = latencies_ms(port, f"/v1/{query}", bodies, per_second=half, seconds=2 * seconds)
        table.add_row(name, f"{half:,.0f}", *(f"{np.percentile(taken, share):.2f}" for share in (50, 99)))
    console.print(table)


if __name__ == "__main__":
    main()
