"""When a change holds everywhere: every worker that may still answer has applied it, or its lease has run out.

A lease has run out for others only when they have seen it unrenewed for its length and a tenth, on their own clock
that counts on while a machine sleeps: nobody's wall clock is asked (docs/decisions/2026-11-29-leases.md).
"""

import asyncio
from collections.abc import Callable
from typing import Any

from psycopg import AsyncConnection

from indexing.state.boot_clock import boot_s
from indexing.state.postgres_connection import StateConnection, lost_row

# A clock may be slower than another by this much: a lease of one counts so much longer on the other.
_SLACK = 1.1
# Between looks: short at first, when most workers apply a frame, so that little is waited for in vain.
_FIRST_PAUSE_S, _GROWTH, _LONGEST_PAUSE_S = 0.002, 1.3, 0.1


class Acknowledgement:
    """Waits for workers, in one process, which remembers since when it has seen what."""

    def __init__(self, connection: StateConnection, clock: Callable[[], float] = boot_s) -> None:
        self._connection = connection
        self._clock = clock
        # By worker: its last renewal, on which timeline, and when that was first seen here.
        self._seen: dict[str, tuple[tuple[str, int], float]] = {}
        # The timeline that is new, and when it was first seen here.
        self._unsettled: tuple[str, float] | None = None

    async def unacknowledged(self, number: int, wait_s: float) -> list[str]:
        """As StateStore."""
        give_up_at, pause_s = self._clock() + wait_s, _FIRST_PAUSE_S
        while waiting := await self.look(number):
            left_s = give_up_at - self._clock()
            if left_s <= 0:
                break
            await asyncio.sleep(min(pause_s, left_s))
            pause_s = min(_GROWTH * pause_s, _LONGEST_PAUSE_S)
        return waiting

    async def look(self, number: int) -> list[str]:
        """Who is waited for now."""
        async with self._connection.statements() as connection:
            position = self._connection.position
            cursor = await connection.execute(
                "SELECT s.settled, s.longest_lease_s, w.id, w.host, w.name, w.renewed, w.lease_s,"
                " w.applied < %s OR w.position <> %s"
                " FROM nearfield.state s LEFT JOIN nearfield.workers w ON true ORDER BY w.host, w.name",
                (number, position),
            )
            rows = await cursor.fetchall()
            if not rows:
                raise lost_row()
            waiting = await self._unsettled_since(connection, position, *rows[0][:2])
            workers = [row[2:] for row in rows if row[2] is not None]
            for worker, host, name, renewed, lease_s, is_behind in workers:
                # Of whoever is not behind too: somebody else may wait for it, over a later change.
                has_run_out = self._has_run_out(position, worker, renewed, lease_s)
                if not is_behind or (has_run_out and await _ended(connection, worker, renewed)):
                    continue
                waiting.append(f"{host} ({name})")
        self._seen = {worker: self._seen[worker] for worker, *_ in workers}
        return waiting

    def _has_run_out(self, position: str, worker: str, renewed: int, lease_s: float) -> bool:
        # After a failover a counter may come again: what was seen on another timeline says nothing of this one.
        before, since = self._seen.get(worker, (None, 0.0))
        if before != (position, renewed):
            since = self._clock()
            self._seen[worker] = (position, renewed), since
        return self._clock() - since > lease_s * _SLACK

    async def _unsettled_since(
        self, connection: AsyncConnection[Any], position: str, settled: str, lease_s: float
    ) -> list[str]:
        """Leases of the timeline before may not have come over: until the longest has run out, nothing is sure."""
        if settled == position:
            self._unsettled = None
            return []
        if self._unsettled is None or self._unsettled[0] != position:
            self._unsettled = position, self._clock()
        if self._clock() - self._unsettled[1] <= lease_s * _SLACK:
            return [f"leases of the database's timeline before {position}"]
        await connection.execute("UPDATE nearfield.state SET settled = %s WHERE settled = %s", (position, settled))
        self._unsettled = None
        return []


async def _ended(connection: AsyncConnection[Any], worker: str, renewed: int) -> bool:
    """End a lease that has run out; False where it was renewed after all, since it was looked at."""
    cursor = await connection.execute("DELETE FROM nearfield.workers WHERE id = %s AND renewed = %s", (worker, renewed))
    return cursor.rowcount == 1
