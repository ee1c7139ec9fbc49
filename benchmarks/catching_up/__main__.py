"""How long a fresh worker takes to catch up with the log, after few changes and after a million.

    python -m benchmarks.catching_up DATABASE|files [--items 20000] [--rows 10000] [--changes 1000000]

DATABASE is the address of an empty database of a server that is not in use otherwise. In `files` each change is
appended as the product does it, but for the wait for the disk, and read as it lies there, then again with what is kept
of it for fresh readers when a release was built or went live. In a database, rows are put once as the product
puts them, and then moved to later numbers in the database itself, which leaves its tables as so many more changes do:
of each row the last record under a late number, and all that was there before as what a vacuum clears away.
The worker takes its lease, reads to the end, applies it to the release, and holds the lease: then it may answer.
The exit code is 1 where that takes longer than ten seconds.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

import psycopg
from rich.console import Console
from rich.table import Table

from benchmarks.catching_up.files import in_files
from benchmarks.catching_up.puts import DIMS, puts_of
from benchmarks.harness.opened_world import opened_world, parts_of_world
from indexing.release.release import Release
from indexing.state.boot_clock import SharedClock
from indexing.state.lease import Lease, Worker
from indexing.state.postgres import PostgresState
from indexing.state.postgres_connection import StateConnection
from service.app import open_router
from service.changes.leased_follower import LeasedFollower
from service.dependencies import Dependencies

_FRAME_ROWS = 100
_BAR_S = 10.0


def main() -> None:
    """Parse the command line and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("database")
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--changes", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where the made-up world lies or is built")
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.gettempdir()) / f"nearfield-world-{arguments.items}-{DIMS}"
    opened_world(folder, arguments.items, DIMS)
    if arguments.database == "files":
        shown, taken_s = in_files(arguments.rows, arguments.changes)
        Console().print(shown)
        sys.exit(taken_s > _BAR_S)
    table = Table(
        "changes", "records read", "caught up in s", "bar", title=f"{arguments.rows:,} rows of {DIMS} numbers"
    )
    asyncio.run(_put(arguments.database, parts_of_world().live.release, arguments.rows))
    few = asyncio.run(_caught_up(arguments.database, parts_of_world()))
    table.add_row(f"{arguments.rows:,}", f"{arguments.rows:,}", f"{few:.2f}", "")
    _change_on(arguments.database, arguments.rows, arguments.changes)
    many = asyncio.run(_caught_up(arguments.database, parts_of_world()))
    table.add_row(f"{arguments.changes:,}", f"{arguments.rows:,}", f"{many:.2f}", f"≤ {_BAR_S:g}")
    Console().print(table)
    sys.exit(many > _BAR_S)


async def _put(database: str, release: Release, num: int) -> None:
    state = PostgresState(database, "benchmark")
    puts = list(puts_of(release, num))
    for start in range(0, num, _FRAME_ROWS):
        await state.append(puts[start : start + _FRAME_ROWS])
    await state.close()


def _change_on(database: str, num: int, changes: int) -> None:
    """Each row again and again, one row a change, until there were so many."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "WITH numbered AS (SELECT ctid AS row, row_number() OVER (ORDER BY number, place) AS n"
            " FROM nearfield.records) UPDATE nearfield.records r SET number = 1000000000 + n, place = 0"
            " FROM numbered WHERE r.ctid = numbered.row"
        )
        connection.execute("UPDATE nearfield.records SET number = number - 1000000000")
        for turn in range(changes // num - 2):
            connection.execute("UPDATE nearfield.records SET number = number + %s", (num,))
            if turn % 10 == 0:
                # Which a server does by itself in the time that so many changes take.
                connection.execute("VACUUM ANALYZE nearfield.records")
        row = connection.execute("SELECT max(number) FROM nearfield.records").fetchone()
        assert row is not None
        # One more round by the record, so that all were changed as often as is said.
        connection.execute("UPDATE nearfield.records SET number = number + %s", (changes - row[0],))
        connection.execute("UPDATE nearfield.state SET number = %s", (changes,))


async def _caught_up(database: str, parts: Dependencies) -> float:
    router = open_router(parts)
    worker = Worker(id=str(uuid4()), host="benchmark", name="fresh", releases=(parts.live.release.id,), lease_s=600.0)
    began = time.perf_counter()
    follower = LeasedFollower(router, Lease(StateConnection(database), worker, SharedClock()))
    await follower.begin()
    taken_s = time.perf_counter() - began
    assert parts.live.rows.num_journalled, "nothing was read"
    await follower.close()
    await parts.store.close()
    return taken_s


if __name__ == "__main__":
    main()
