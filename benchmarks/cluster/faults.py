"""Faults of Qdrant nodes: killed, stopped or cut off, one at a time, under load; what clients saw of each kind."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import httpx
from msgspec import Struct

from benchmarks.cluster.acknowledged import logged_takedowns
from benchmarks.cluster.asked_about import seeds_and_items, still_shown
from benchmarks.cluster.health import Health
from benchmarks.cluster.load import Asked, Load
from benchmarks.cluster.reads import reads_of
from benchmarks.cluster.report import Bar, all_met, least, most, percentile, print_table, print_troubles
from benchmarks.cluster.topology import QUERY_TIMEOUT_S, Topology, running

Fault = Literal["killed", "stopped", "cut off"]
_LEAST_ANSWERED: dict[Fault, float] = {"killed": 0.999, "stopped": 0.99, "cut off": 0.99}
_LEAST_FAULT_S, _MOST_FAULT_S = 4.0, 6.0
_REST_S, _UNDISTURBED_S = 1.0, 5.0
# What the client itself and its connection take on cores that everything shares.
_CLIENT_S = 0.25
# The lease is no matter here: the database is well.
_LEASE_S = 600.0


class Round(Struct, frozen=True, kw_only=True):
    """One fault of one node: when it began, when it was taken back, when all was well again."""

    fault: Fault
    node: int
    began: float
    healed: float
    well: float

    def has(self, asked: Asked) -> bool:
        """Whether a query was due in it."""
        return self.began <= asked.at < self.well


def measure(rounds: int, num_items: int, seed: int) -> bool:
    """Run `rounds` of each kind in random order; whether all bars were met."""
    dice = random.Random(seed)
    order: list[Fault] = [fault for fault in _LEAST_ANSWERED for _ in range(rounds)]
    dice.shuffle(order)
    with running(num_items, _LEASE_S, ask_engine=True) as topology:
        seeds, items = seeds_and_items(topology.hosts[0])
        load = Load(topology.hosts, seeds, items)
        done = []
        with Health(topology, seeds[0]) as health, load.running():
            time.sleep(_REST_S)
            reads = reads_of(topology.cluster), len(load.queries)
            time.sleep(_UNDISTURBED_S)
            reads_each = (reads_of(topology.cluster) - reads[0]) / (len(load.queries) - reads[1])
            for number, fault in enumerate(order, start=1):
                done.append(_round(topology, fault, dice, health))
                one = done[-1]
                print(
                    f"{number:3} {fault} node {one.node}: {one.healed - one.began:.1f} s, "
                    f"well {one.well - one.healed:.1f} s later",
                    flush=True,
                )
        shown = still_shown(topology.hosts, seeds, load.acknowledged.taken_down)
        lost = load.acknowledged.lost(logged_takedowns(topology.databases[0]))
    return _report(load, done, reads_each, shown, lost)


def _round(topology: Topology, fault: Fault, dice: random.Random, health: Health) -> Round:
    node = dice.randrange(3)
    began = time.monotonic()
    with _fault(topology, fault, node):
        time.sleep(dice.uniform(_LEAST_FAULT_S, _MOST_FAULT_S))
        healed = time.monotonic()
    health.wait()
    well = time.monotonic()
    time.sleep(_REST_S)
    return Round(fault=fault, node=node, began=began, healed=healed, well=well)


@contextmanager
def _fault(topology: Topology, fault: Fault, node: int) -> Iterator[None]:
    """It lasts as long as the block."""
    cluster, network = topology.cluster, topology.network
    match fault:
        case "killed":
            cluster.kill(node)
            yield
            cluster.restart(node, wait=False)
        case "stopped":
            cluster.stop(node)
            yield
            cluster.cont(node)
        case "cut off":
            network.cut(node)
            yield
            network.join(node)


def _report(load: Load, rounds: list[Round], reads_each: float, shown: list[str], lost: list[str]) -> bool:
    bars, rows = [], []
    for fault, bound in _LEAST_ANSWERED.items():
        own = [one for one in rounds if one.fault == fault]
        asked = [query for query in load.queries if any(one.has(query) for one in own)]
        rows.append(_row(fault, len(own), asked))
        bars.append(least(f"queries answered, a node {fault}", _answered(asked), bound))
    well = [query for query in load.queries if not any(one.has(query) for one in rounds)]
    rows.append(_row("between", len(rounds), well))
    headings = ("node", "times", "queries", "answered", "of them degraded", "p50 ms", "p99 ms", "longest s")
    print_table("what clients saw from each fault to when all was well again", headings, rows)
    changes = load.changes
    took_s = [change.took_s for change in changes]
    print(
        f"{len(changes)} changes, {load.acknowledged.num_changes} acknowledged, "
        f"{sum(change.status == 202 for change in changes)} of them later (202); "
        f"p50 {1000 * percentile(took_s, 50):.1f} ms, longest {percentile(took_s, 100):.2f} s"
    )
    print_troubles(load.queries, changes)
    for one in lost:
        print("lost:", one)
    longest_s = max(query.took_s for query in load.queries)
    num_late = sum(query.took_s > QUERY_TIMEOUT_S for query in load.queries)
    print(
        f"{num_late} of {len(load.queries):,} queries took longer than {QUERY_TIMEOUT_S:.0f} s, as the client saw them"
    )
    bars += [
        least("queries that Qdrant counted, for each query before the first fault", reads_each, 0.98),
        most("longest query (the client's own time allowed for)", longest_s, QUERY_TIMEOUT_S + _CLIENT_S, "s"),
        most("acknowledged changes lost", len(lost), 0),
        most("answers that show what was taken down", sum(bool(one.wrongly_shown) for one in load.queries), 0),
        most("items shown at the end though taken down", len(shown), 0),
        most("changes refused", sum(bool(change.trouble) for change in changes), 0),
        Bar("changes acknowledged", str(load.acknowledged.num_changes), "> 0", load.acknowledged.num_changes > 0),
    ]
    return all_met(bars)


def _row(name: str, times: int, asked: list[Asked]) -> list[str]:
    took_s = [query.took_s for query in asked]
    return [
        name,
        str(times),
        f"{len(asked):,}",
        f"{_answered(asked):.4f}",
        str(sum(query.degraded for query in asked)),
        *(f"{1000 * percentile(took_s, share):.1f}" for share in (50, 99)),
        f"{percentile(took_s, 100):.2f}",
    ]


def _answered(asked: list[Asked]) -> float:
    return sum(query.status == httpx.codes.OK for query in asked) / max(1, len(asked))
