"""A connection to the database that keeps the state: made when it is first used, again when it broke, and checked.

What a commit promises is checked each time: flushed to disk before it returns, on the server that takes writes.
"""

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from embedding.errors import UsageError
from indexing.errors import StateError, StateRefusedError
from indexing.state.migrations import MIGRATIONS, NEWEST

_log = logging.getLogger("nearfield.state")

_DEFAULTS = {
    "connect_timeout": "3",
    # With several hosts in the address: the one that takes writes.
    "target_session_attrs": "read-write",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    # Milliseconds until what was sent and not acknowledged by the peer ends the connection.
    "tcp_user_timeout": "5000",
    "application_name": "nearfield",
}
STATEMENT_S = 10.0
"""Seconds that a transaction may take before its connection is given up."""
# Tables may be made or changed in it.
_PREPARE_S = 60.0
# Held while tables are made or changed; any number will do, as long as it stays the same.
_MIGRATING = 0x6E656172


class StateConnection:
    """One connection, for one event loop; those who ask at once wait for one another."""

    def __init__(self, url: str, *, also_moved: bool = False) -> None:
        """`also_moved`: use it though its state was moved away. UsageError for an address that is none."""
        self._also_moved = also_moved
        try:
            given = conninfo_to_dict(url)
        except psycopg.Error as error:
            # Its words quote the address, and with it what may be part of a password.
            raise UsageError(_unreadable(type(error).__name__)) from None
        if not all(port.isdigit() for port in str(given.get("port", "0")).split(",")):
            raise UsageError(_unreadable("what stands for a port is no number"))
        if "@" in str(given.get("dbname", "")):
            raise UsageError(_unreadable("what stands for a database has an @ in it"))
        self._conninfo = make_conninfo("", **{**_DEFAULTS, **given})
        self.told = (
            " ".join(f"{name}={given[name]}" for name in ("host", "port", "dbname") if given.get(name))
            or "its default place"
        )
        """The address without what is secret, for messages."""
        self._connection: AsyncConnection | None = None
        self._lock = asyncio.Lock()
        self.position = ""
        """System identifier and timeline of the server, known once connected."""
        self.id = ""
        """The state's name, known once connected, and the same ever after."""

    @asynccontextmanager
    async def transaction(self, statement_s: float = STATEMENT_S) -> AsyncIterator[AsyncConnection]:
        """A transaction that has been committed when this ends; StateError, and nothing done, when it could not be.

        When the connection breaks in the commit itself, nobody knows whether it was: the error says so.
        """
        async with self.statements(statement_s) as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def statements(self, statement_s: float = STATEMENT_S) -> AsyncIterator[AsyncConnection]:
        """The connection, for statements each of which is a transaction of its own: one way there and back, where a
        transaction around it takes three. StateError as `transaction`."""
        async with self._lock:
            connection = await self._connected()
            try:
                async with _cut_off_after(connection, statement_s):
                    yield connection
            except (psycopg.OperationalError, psycopg.InterfaceError, TimeoutError) as error:
                await self._give_up()
                raise StateError(f"the state's database ({self.told}) does not answer: {words_of(error)}") from error
            except psycopg.Error as error:
                raise StateRefusedError(f"the state's database ({self.told}) refused: {words_of(error)}") from error

    async def _connected(self) -> AsyncConnection:
        if self._connection is not None and not _is_over(self._connection):
            return self._connection
        await self._give_up()
        try:
            connection = await AsyncConnection.connect(self._conninfo, autocommit=True)
        except psycopg.Error as error:
            raise StateError(f"the state's database ({self.told}) cannot be reached: {words_of(error)}") from error
        try:
            async with _cut_off_after(connection, _PREPARE_S):
                await self._prepare(connection)
        except (psycopg.Error, TimeoutError) as error:
            await connection.close()
            raise StateError(f"the state's database ({self.told}) cannot be used: {words_of(error)}") from error
        except BaseException:
            await connection.close()
            raise
        self._connection = connection
        return connection

    async def _prepare(self, connection: AsyncConnection) -> None:
        cursor = await connection.execute(
            "SELECT current_setting('fsync'), current_setting('synchronous_commit'),"
            " (SELECT system_identifier FROM pg_control_system())"
            " || '/' || substring(pg_walfile_name(pg_current_wal_lsn()) FOR 8)"
        )
        row = await cursor.fetchone()
        assert row is not None
        fsync, commit, self.position = row
        if fsync != "on":
            raise StateRefusedError(
                f"the state's database ({self.told}) has fsync = {fsync}: what it acknowledges is lost when its "
                "machine stops. Set fsync = on there."
            )
        if commit not in ("on", "remote_apply"):
            await connection.execute("SET synchronous_commit = on")
        await connection.execute("SET default_transaction_isolation = 'read committed'")
        await _migrate(connection, self.position, self.told)
        cursor = await connection.execute("SELECT id, moved_to FROM nearfield.state")
        state = await cursor.fetchone()
        if state is None:
            raise lost_row()
        self.check_id(state[0])
        self.id = state[0]
        if not self._also_moved:
            self.check_here(state[1])

    def check_id(self, id: str) -> None:
        """StateRefusedError where the database keeps another state than it did before."""
        if self.id not in ("", id):
            raise StateRefusedError(
                f"the state's database ({self.told}) kept the state {self.id} before, and keeps {id} now: what was "
                "taken down may be unknown there. Restore the one before, or stop this process to take up the other"
            )

    def check_here(self, moved_to: str | None) -> None:
        """StateRefusedError where the state was moved from here to `moved_to`."""
        if moved_to is not None:
            raise StateRefusedError(
                f"the state was moved from this database ({self.told}) to {moved_to}: leave state_url out, or set "
                "it to where the state is now"
            )

    async def _give_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error, TimeoutError):
                async with asyncio.timeout(1):
                    await connection.close()

    async def close(self) -> None:
        """Let go of the connection."""
        await self._give_up()


@asynccontextmanager
async def _cut_off_after(connection: AsyncConnection, seconds: float) -> AsyncIterator[None]:
    """End what waits for the server once this has taken so long: TimeoutError.

    Cancelled instead, psycopg would ask the server to stop, and wait for it twice over: one that answers nothing any
    more is no server to ask.
    """
    is_late = False

    def cut_off() -> None:
        nonlocal is_late
        is_late = True
        with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.pgconn.socket)) as end:
            end.shutdown(socket.SHUT_RDWR)

    timer = asyncio.get_running_loop().call_later(seconds, cut_off)
    try:
        yield
    except psycopg.Error as error:
        if is_late:
            raise TimeoutError(f"no answer within {seconds:g} s") from error
        raise
    finally:
        timer.cancel()
    if is_late:
        raise TimeoutError(f"no answer within {seconds:g} s")


async def _migrate(connection: AsyncConnection, position: str, told: str) -> None:
    """Bring the tables to where this program wants them; StateError where they are beyond what it knows."""
    if await _reached(connection, told) >= NEWEST:
        return
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_MIGRATING,))
        await connection.execute("CREATE SCHEMA IF NOT EXISTS nearfield")
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS nearfield.migrations"
            " (number integer PRIMARY KEY, least integer NOT NULL, at timestamptz NOT NULL DEFAULT now())"
        )
        reached = await _reached(connection, told)
        for migration in MIGRATIONS[reached:]:
            await connection.execute(migration.sql.encode())
            await connection.execute(
                "INSERT INTO nearfield.migrations (number, least) VALUES (%s, %s)", (migration.number, migration.least)
            )
        if reached == 0:
            await connection.execute(
                "INSERT INTO nearfield.state (id, cursor_key, settled) VALUES (%s, %s, %s)",
                (str(uuid4()), secrets.token_bytes(32), position),
            )


async def _reached(connection: AsyncConnection, told: str) -> int:
    """The number of the last migration that was run, 0 for none."""
    cursor = await connection.execute("SELECT to_regclass('nearfield.migrations')")
    found = await cursor.fetchone()
    if found is None or found[0] is None:
        return 0
    cursor = await connection.execute(
        "SELECT coalesce(max(number), 0), coalesce(max(least), 0) FROM nearfield.migrations"
    )
    row = await cursor.fetchone()
    assert row is not None
    reached, least = row
    if least > NEWEST:
        raise StateRefusedError(
            f"the state's database ({told}) was made by a newer Nearfield: it needs one that knows its schema {least}, "
            f"this one knows {NEWEST}. Upgrade Nearfield here; nothing was changed."
        )
    return int(reached)


async def warn_of_lossy_standbys(state: StateConnection) -> None:
    """Say what can be lost where a standby streams behind the primary and none is waited for."""
    async with state.transaction() as connection:
        # Not what pg_stat_replication says of each: most users may not see that.
        cursor = await connection.execute(
            "SELECT count(*) > 0 AND current_setting('synchronous_standby_names') = '' FROM pg_stat_replication"
        )
        row = await cursor.fetchone()
    assert row is not None
    if row[0]:
        _log.warning(
            "The state's database (%s) has standbys, and waits for none of them (synchronous_standby_names): when one "
            "takes over, changes that were acknowledged last can be lost, takedowns among them.",
            state.told,
        )


def _is_over(connection: AsyncConnection) -> bool:
    """Whether the server has closed it since it was last used; nobody is asked."""
    try:
        # What it said last comes first, then that it is closed.
        for _ in range(2):
            connection.pgconn.consume_input()
    except psycopg.OperationalError:
        return True
    return connection.closed


def _unreadable(why: str) -> str:
    return (
        f"state_url: expected postgresql://USER@HOST/DATABASE, it cannot be read ({why}; not shown here, since it may "
        "hold a password, in which / ? # @ and : are written as %2F %3F %23 %40 and %3A)"
    )


def lost_row() -> StateRefusedError:
    """What is told where the one row of `nearfield.state` is not there."""
    return StateRefusedError("the state's database has lost its row in nearfield.state: restore it from a backup")


def words_of(error: BaseException) -> str:
    """The database's own words, on one line."""
    return " ".join(str(error).split()) or type(error).__name__
