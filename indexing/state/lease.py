"""A worker's lease: it may answer by what it has read for so long, without asking anybody.

It counts from before the renewal was sent, on a clock that counts on while the machine sleeps, and only once the
renewal was committed; whoever waits for it counts longer (indexing/state/acknowledgement.py).
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import psycopg
from msgspec import Struct

from indexing.errors import StateError
from indexing.state.boot_clock import SharedClock, boot_s
from indexing.state.postgres_connection import StateConnection, lost_row, words_of
from indexing.state.postgres_log import NOTIFIED, PostgresReader
from indexing.state.record_kinds import READS


class Worker(Struct, frozen=True, kw_only=True):
    """Who holds a lease: `name` for a person, the `releases` that it answers from, how long its lease is."""

    id: str
    host: str
    name: str
    releases: tuple[str, ...]
    lease_s: float


class Lease:
    """One worker's, over a connection of its own, on which it also hears of new frames."""

    def __init__(
        self,
        connection: StateConnection,
        worker: Worker,
        shared_clock: SharedClock,
        clock: Callable[[], float] = boot_s,
    ) -> None:
        """`shared_clock` learns the database's time with each renewal."""
        self._connection = connection
        self._shared_clock = shared_clock
        self._worker = worker
        self._clock = clock
        # What its row says: what was told last, or what was sent and never answered.
        self._told = frozenset[int]()
        self._listening: psycopg.AsyncConnection | None = None
        self._valid_until = float("-inf")
        self._renew_at = float("-inf")

    @property
    def valid(self) -> bool:
        """Whether it may answer now."""
        return self._clock() < self._valid_until

    @property
    def is_due(self) -> bool:
        """Whether it should be renewed though nothing new was read."""
        return self._clock() >= self._renew_at

    def reader(self) -> PostgresReader:
        """Of the log, from its beginning."""
        return PostgresReader(self._connection)

    async def take(self) -> float:
        """Enter the worker among those that are waited for; what `hold_since` takes. StateError."""
        self._told = frozenset()
        worker, sent_at = self._worker, self._clock()
        async with self._connection.transaction() as connection:
            # Whoever appends holds this row to the commit: a worker is there before a frame that it must apply, or
            # reads that frame when it reads to the end.
            cursor = await connection.execute(
                "UPDATE nearfield.state SET longest_lease_s = greatest(longest_lease_s, %s) RETURNING moved_to",
                (worker.lease_s,),
            )
            row = await cursor.fetchone()
            if row is None:
                raise lost_row()
            self._connection.check_here(row[0])
            await connection.execute(
                "INSERT INTO nearfield.workers"
                " (id, host, name, applied, position, renewed, lease_s, reads, releases)"
                " VALUES (%s, %s, %s, 0, %s, nextval('nearfield.renewals'), %s, %s, %s)"
                " ON CONFLICT (id) DO UPDATE SET applied = 0,"
                " position = excluded.position, renewed = excluded.renewed, lease_s = excluded.lease_s,"
                " reads = excluded.reads, releases = excluded.releases",
                (
                    *(worker.id, worker.host, worker.name, self._connection.position),
                    *(worker.lease_s, READS, list(worker.releases)),
                ),
            )
        self._told = frozenset((0,))
        return sent_at

    def hold_since(self, sent_at: float) -> None:
        """It was taken by what was sent at `sent_at`, and all has been applied since: it may answer."""
        self._valid_until = sent_at + self._worker.lease_s
        self._renew_at = self._clock()

    async def renew(self, applied: int) -> bool:
        """Say how far the log was applied, and so go on; False where the lease is lost and must be taken anew.

        StateError where nobody answers: what is left of the lease goes on.
        """
        sent_at, told = self._clock(), self._told
        # Where the connection breaks in the commit, nobody knows whether the row says this.
        self._told = told | {applied}
        async with self._connection.statements() as connection:
            cursor = await connection.execute(
                # What else it says of itself, in case somebody has changed that by hand: others wait by it.
                "UPDATE nearfield.workers"
                " SET applied = %s, renewed = nextval('nearfield.renewals'), lease_s = %s, reads = %s"
                " WHERE id = %s AND applied = ANY(%s) AND position = %s"
                " RETURNING extract(epoch FROM clock_timestamp())::float8",
                (
                    *(applied, self._worker.lease_s, READS),
                    *(self._worker.id, list(told), self._connection.position),
                ),
            )
            row = await cursor.fetchone()
        if row is None:
            self._valid_until = float("-inf")
            return False
        self._shared_clock.learn(row[0], sent_at)
        self._told = frozenset((applied,))
        self._valid_until = sent_at + self._worker.lease_s
        # Often enough that a few that fail do no harm, and that others soon see a lease that is not renewed.
        self._renew_at = sent_at + min(self._worker.lease_s / 4, _LONGEST_REST_S)
        return True

    async def heard(self, timeout_s: float) -> None:
        """Returns when a frame was told, or after `timeout_s` without one; StateError when the connection broke."""
        async with self._connection.statements() as connection:
            if connection is not self._listening:
                await connection.execute(f"LISTEN {NOTIFIED}".encode())
                self._listening = connection
                return
        # What came in while it was looked whether the connection still stands is waited for in vain.
        if connection.pgconn.notifies() is not None:
            return
        try:
            async for _ in connection.notifies(timeout=timeout_s, stop_after=1):
                pass
        except psycopg.Error as error:
            raise StateError(f"the state's database is not heard any more: {words_of(error)}") from error

    async def give_back(self) -> None:
        """Nobody needs to wait for this worker any more: it answers nothing."""
        self._valid_until = float("-inf")
        with suppress(StateError, asyncio.TimeoutError):
            async with self._connection.transaction(1.0) as connection:
                await connection.execute("DELETE FROM nearfield.workers WHERE id = %s", (self._worker.id,))

    async def close(self) -> None:
        """Let go of the connection."""
        await self._connection.close()


_LONGEST_REST_S = 10.0
