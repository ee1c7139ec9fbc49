"""Faults of the state's database: killed for a while, and lost for good with a standby that takes over."""

import time

import httpx
from msgspec import Struct

from benchmarks.cluster.acknowledged import logged_takedowns
from benchmarks.cluster.asked_about import seeds_and_items, still_shown
from benchmarks.cluster.load import Load
from benchmarks.cluster.report import Bar, all_met, most, percentile, print_table, print_troubles
from benchmarks.cluster.topology import QUERY_TIMEOUT_S, Topology, running
from tests.postgres_server import PostgresServer

# One a second would tell by the second when they go on.
_CHANGES_PER_S = 4.0
_BEFORE_S, _AWAY_S, _AFTER_S = 5.0, 20.0, 10.0
_GO_ON_S = 2.0
_LEASE_S = 600.0
# After a failover nothing is acknowledged for a lease and a tenth.
_SHORT_LEASE_S = 20.0
_SETTLED_S = 1.1 * _SHORT_LEASE_S
# Until somebody has found out that the primary is lost.
_UNNOTICED_S = 3.0
_CLIENT_S = 0.25
_OK, _ACCEPTED = httpx.codes.OK, httpx.codes.ACCEPTED


class Seen(Struct, frozen=True, kw_only=True):
    """What clients saw; when the database went away and came back, and what was found at the end."""

    load: Load
    away_at: float
    back_at: float
    lost: list[str]
    shown: list[str]


def measure(num_items: int) -> bool:
    """Both faults, one after the other; whether all bars were met."""
    killed = _killed(num_items)
    print(f"PostgreSQL killed for {killed.back_at - killed.away_at:.1f} s")
    bars = _bars_of_killed(killed)
    met = all_met(bars)
    failed_over = _failed_over(num_items)
    print(f"The primary lost, its synchronous standby promoted {failed_over.back_at - failed_over.away_at:.1f} s later")
    return all_met(_bars_of_failed_over(failed_over)) and met


def _killed(num_items: int) -> Seen:
    with running(num_items, _LEASE_S, ask_engine=True) as topology:
        (postgres,) = topology.databases
        seeds, items = seeds_and_items(topology.hosts[0])
        load = Load(topology.hosts, seeds, items, _CHANGES_PER_S)
        with load.running():
            time.sleep(_BEFORE_S)
            away_at = time.monotonic()
            postgres.kill()
            time.sleep(_AWAY_S)
            postgres.start()
            back_at = time.monotonic()
            time.sleep(_AFTER_S)
        return _seen(load, away_at, back_at, topology, seeds, postgres)


def _failed_over(num_items: int) -> Seen:
    with running(num_items, _SHORT_LEASE_S, ask_engine=True, with_standby=True) as topology:
        primary, standby = topology.databases
        seeds, items = seeds_and_items(topology.hosts[0])
        load = Load(topology.hosts, seeds, items, _CHANGES_PER_S)
        with load.running():
            time.sleep(_BEFORE_S)
            away_at = time.monotonic()
            primary.kill()
            time.sleep(_UNNOTICED_S)
            standby.promote()
            back_at = time.monotonic()
            time.sleep(_SETTLED_S + _AFTER_S)
        return _seen(load, away_at, back_at, topology, seeds, standby)


def _seen(
    load: Load, away_at: float, back_at: float, topology: Topology, seeds: list[str], database: PostgresServer
) -> Seen:
    return Seen(
        load=load,
        away_at=away_at,
        back_at=back_at,
        lost=load.acknowledged.lost(logged_takedowns(database)),
        shown=still_shown(topology.hosts, seeds, load.acknowledged.taken_down),
    )


def _bars_of_killed(seen: Seen) -> list[Bar]:
    _print(seen)
    changes, may_refuse_until = seen.load.changes, seen.back_at + _GO_ON_S
    went_on_s = _first_after(seen, _OK)
    refused = [one for one in changes if one.trouble]
    unexcused = [one for one in refused if one.answered_at < seen.away_at or one.at > may_refuse_until]
    return [
        most("queries that failed", _num_failed(seen), 0),
        most("longest query (the client's own time allowed for)", _longest_s(seen), QUERY_TIMEOUT_S + _CLIENT_S, "s"),
        most("changes go on after its return", went_on_s, _GO_ON_S, "s"),
        most(f"changes refused before it went, or later than {_GO_ON_S:.0f} s after its return", len(unexcused), 0),
        *_nothing_lost(seen),
    ]


def _bars_of_failed_over(seen: Seen) -> list[Bar]:
    _print(seen)
    print(
        f"{_num_failed(seen)} of {len(seen.load.queries)} queries failed; after the promotion the first change was "
        f"kept (202) in {_first_after(seen, _ACCEPTED):.1f} s, acknowledged (200) in {_first_after(seen, _OK):.1f} s"
    )
    return [*_nothing_lost(seen)]


def _nothing_lost(seen: Seen) -> list[Bar]:
    num_acknowledged = seen.load.acknowledged.num_changes
    return [
        most("acknowledged changes lost", len(seen.lost), 0),
        most("answers that show what was taken down", sum(bool(one.wrongly_shown) for one in seen.load.queries), 0),
        most("items shown at the end though taken down", len(seen.shown), 0),
        Bar("changes acknowledged", str(num_acknowledged), "> 0", num_acknowledged > 0),
    ]


def _first_after(seen: Seen, status: int) -> float:
    """Seconds from the database's return to the first change that was answered so; infinite where none was."""
    answered = [one.answered_at for one in seen.load.changes if one.status == status]
    return min((at for at in answered if at > seen.back_at), default=float("inf")) - seen.back_at


def _num_failed(seen: Seen) -> int:
    return sum(one.status != _OK for one in seen.load.queries)


def _longest_s(seen: Seen) -> float:
    return max(one.took_s for one in seen.load.queries)


def _print(seen: Seen) -> None:
    parts = (("before", 0.0, seen.away_at), ("away", seen.away_at, seen.back_at), ("after", seen.back_at, float("inf")))
    rows = []
    for name, begin, end in parts:
        queries = [one for one in seen.load.queries if begin <= one.at < end]
        changes = [one for one in seen.load.changes if begin <= one.at < end]
        took_s = [one.took_s for one in queries]
        rows.append(
            [
                name,
                str(len(queries)),
                str(sum(one.status != _OK for one in queries)),
                f"{1000 * percentile(took_s, 99):.1f}",
                f"{percentile(took_s, 100):.2f}",
                str(len(changes)),
                *(str(sum(one.status == status for one in changes)) for status in (_OK, _ACCEPTED)),
                str(sum(bool(one.trouble) for one in changes)),
                f"{percentile([one.took_s for one in changes], 100):.2f}",
            ]
        )
    headings = ("database", "queries", "failed", "p99 ms", "longest s", "changes", "200", "202", "refused", "longest s")
    print_table("what clients saw, by when it was sent", headings, rows)
    print_troubles(seen.load.queries, seen.load.changes)
    for one in seen.lost:
        print("lost:", one)
