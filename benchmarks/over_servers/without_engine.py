"""Plans that need no engine: both sides over HTTP in turns, and whether either server is asked more under load."""

import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from benchmarks.floor.serving import body_of
from benchmarks.harness import wrk
from benchmarks.harness.served import served
from benchmarks.harness.servers import Servers
from benchmarks.over_servers.sides import Side

# Server processes of the database tell what they did about once a second.
_TOLD_WITHIN_S = 2.0


class Counted(Struct, frozen=True):
    """What happened in so many seconds: queries answered, calls of Qdrant, transactions of the state's database."""

    seconds: float
    queries: int
    calls: int
    transactions: int


class Compared(Struct, frozen=True):
    """Queries a second of each side, by round, and the servers' counters at rest and under load."""

    query: str
    workers: int
    embedded: list[float]
    over_servers: list[float]
    at_rest: Counted
    under_load: Counted


def compare(
    sides: Sequence[Side], servers: Servers, query: str, numbers: Sequence[int], workers: int, rounds: int, seconds: int
) -> Compared:
    """Serve both sides at once and ask them in turns, each first in every second round."""
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        script = wrk.write_script(scratch, query, [body_of(query, number) for number in numbers])
        addresses = {side.name: f"{side.address}/v1/{query}" for side in sides}
        for side in sides:
            stack.enter_context(served(replace(side.settings, workers=workers)))
            # Long enough for every body to have been asked, by each worker.
            wrk.ask(script, addresses[side.name], 4)
        rates: dict[str, list[float]] = {side.name: [] for side in sides}
        for number in range(rounds):
            for side in sides if number % 2 else reversed(sides):
                rates[side.name].append(wrk.ask(script, addresses[side.name], seconds).rate)
        embedded, over_servers = rates.values()
        counted_s = 3 * seconds
        at_rest = _counted(servers, None, script, counted_s)
        under_load = _counted(servers, addresses["over servers"], script, counted_s)
    return Compared(query, workers, embedded, over_servers, at_rest, under_load)


def _counted(servers: Servers, address: str | None, script: Path, seconds: int) -> Counted:
    time.sleep(_TOLD_WITHIN_S)
    calls, transactions, began = servers.num_calls(), servers.num_transactions(), time.monotonic()
    queries = 0
    if address is None:
        time.sleep(seconds)
    else:
        queries = wrk.ask(script, address, seconds).requests
    time.sleep(_TOLD_WITHIN_S)
    transactions = servers.num_transactions() - transactions
    return Counted(time.monotonic() - began, queries, servers.num_calls() - calls, transactions)
