"""How long a takedown takes to be acknowledged by all workers of all hosts, at rest, at half of capacity, and beside a
worker that hangs."""

import http.client
import json
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.cluster import stopped_worker
from benchmarks.cluster.asked_about import near, seeds_and_items, shown_in
from benchmarks.cluster.hosts import TOKEN, Host
from benchmarks.cluster.paced import Paced
from benchmarks.cluster.report import Bar, all_met, most, percentile, print_table
from benchmarks.cluster.topology import running
from benchmarks.harness.wrk import require_wrk

_LEASE_S, _ACK_WAIT_S = 20.0, 5.0
_P50_MS, _P99_MS = 20.0, 100.0
_CAPACITY_S, _LIMIT = 8, 10
# How much of capacity half of it may be, and how often it is tried for.
_LEAST, _MOST, _TRIES = 0.45, 0.55, 3
_CHANGES, _CHANGES_AT_REST, _PER_S = 400, 100, 10.0
# What the client's start and the slowest changes add to the time in which they are all sent.
_ASIDE_S = 5


def measure(num_items: int) -> bool:
    """Measure, and print; whether all bars were met."""
    require_wrk()
    with running(num_items, _LEASE_S, ask_engine=False) as topology, TemporaryDirectory() as folder:
        hosts = topology.hosts
        seeds, items = seeds_and_items(hosts[0])
        bodies = [json.dumps({"seeds": [{"id": seed}], "limit": _LIMIT}).encode() for seed in seeds]
        paced = Paced(hosts, Path(folder), bodies)
        at_rest = _acknowledged_ms(hosts, items, _CHANGES_AT_REST)
        capacity = paced.rate(_CAPACITY_S)
        pause_ms = paced.pause_for(capacity / 2, capacity)
        for _ in range(_TRIES):
            with paced.asked(int(_CHANGES / _PER_S) + _ASIDE_S, pause_ms):
                loaded = _acknowledged_ms(hosts, items, _CHANGES)
            load = paced.rates[-1]
            share = load / capacity
            if _LEAST <= share <= _MOST:
                break
            # The changes take their part of the machine too.
            pause_ms = paced.corrected(pause_ms, load, capacity / 2)
        bars = stopped_worker.bars(topology, *_shown_near(hosts[0], seeds, items), _LEASE_S, _ACK_WAIT_S)
    rows = [
        _row("at rest", 0.0, at_rest),
        _row(f"at {share:.2f} of capacity ({capacity:,.0f} queries/s)", load, loaded),
    ]
    headings = ("takedowns and lifts, acknowledged", "queries/s", "changes", "p50 ms", "p99 ms", "longest ms")
    print_table("two hosts of two workers", headings, rows)
    return all_met(
        [
            Bar(
                "queries beside them, of capacity",
                f"{share:.2f}",
                f"{_LEAST:.2f} to {_MOST:.2f}",
                _LEAST <= share <= _MOST,
            ),
            most("acknowledged at half of capacity, p50", percentile(loaded, 50), _P50_MS, "ms"),
            most("acknowledged at half of capacity, p99", percentile(loaded, 99), _P99_MS, "ms"),
            *bars,
        ]
    )


def _acknowledged_ms(hosts: Sequence[Host], items: Sequence[str], num_changes: int) -> list[float]:
    """Milliseconds of each change, one at a time, through the hosts in turns: an item is taken down, then lifted."""
    connections = [http.client.HTTPConnection("127.0.0.1", host.port, timeout=30) for host in hosts]
    start, taken_ms = time.monotonic(), []
    for number in range(num_changes):
        time.sleep(max(0.0, start + number / _PER_S - time.monotonic()))
        # Each host takes one down and lifts it.
        connection, item_id = connections[number // 2 % len(connections)], items[number // 2 % len(items)]
        method = ("PUT", "DELETE")[number % 2]
        sent_at = time.perf_counter()
        connection.request(method, f"/v1/items/{item_id}/takedown", headers={"Authorization": f"Bearer {TOKEN}"})
        answer = connection.getresponse()
        told = answer.read()
        taken_ms.append(1000 * (time.perf_counter() - sent_at))
        if answer.status != http.client.OK:
            raise RuntimeError(f"expected 200, came {answer.status}: {told!r}")
    for connection in connections:
        connection.close()
    return taken_ms


def _shown_near(host: Host, seeds: Sequence[str], items: Sequence[str]) -> tuple[str, str]:
    """A seed, and an item that is shown near it."""
    shown = shown_in(near(host, seeds[0])[1])
    return seeds[0], next(item_id for item_id in items if item_id in shown)


def _row(name: str, load: float, taken_ms: Sequence[float]) -> list[str]:
    shares = (f"{percentile(taken_ms, share):.1f}" for share in (50, 99, 100))
    return [name, f"{load:,.0f}", str(len(taken_ms)), *shares]
