"""The state in PostgreSQL: one transactional place for all hosts (docs/cluster.md)."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
from psycopg import AsyncConnection

from embedding.errors import DamagedError
from indexing.errors import BuildLockedError, StateError
from indexing.rules.declaration import RuleSet, rules_version
from indexing.rules.reading import DEFAULT_RULES, Fits, rules_in
from indexing.state import postgres_hosts
from indexing.state.acknowledgement import Acknowledgement
from indexing.state.boot_clock import SharedClock, boot_s
from indexing.state.contract import Activation, Pointer
from indexing.state.postgres_connection import StateConnection, lost_row, warn_of_lossy_standbys
from indexing.state.postgres_log import PostgresReader, accepted_rules, append
from indexing.state.record_kinds import item_keys
from indexing.state.records import Change, RulesAccepted, WentLive

# One at a time over a whole state; any number will do, as long as it stays the same.
_BUILD_LOCK = 0x6275696C
_rules_decoder = msgspec.msgpack.Decoder(RulesAccepted)


class PostgresState:
    """As StateStore, in the database at `url`; `host` names this host to people."""

    def __init__(self, url: str, host: str, *, also_moved: bool = False) -> None:
        self.url, self.host = url, host
        self.connection = StateConnection(url, also_moved=also_moved)
        self._acknowledgement = Acknowledgement(self.connection)
        self.clock = SharedClock()
        """The database's, as last read."""
        self._fence: int | None = None
        # From which this host serves, once it does.
        self._data_dir: Path | None = None

    async def append(self, changes: Sequence[Change]) -> int:
        return await append(self.connection, changes)

    async def end(self) -> int:
        return int((await self._row("SELECT number FROM nearfield.state"))[0])

    async def items_said(self, ids: Collection[str]) -> set[str]:
        wanted = {key: item_id for item_id in ids for key in item_keys(item_id)}
        async with self.connection.statements() as connection:
            cursor = await connection.execute(
                "SELECT DISTINCT key FROM nearfield.records WHERE key = ANY(%s)", (list(wanted),)
            )
            return {wanted[key] for (key,) in await cursor.fetchall()}

    def reader(self) -> PostgresReader:
        return PostgresReader(self.connection)

    async def id(self) -> str:
        return str((await self._row("SELECT id FROM nearfield.state"))[0])

    async def now(self) -> float:
        if not self.clock.is_known:
            sent_at = boot_s()
            (then,) = await self._row("SELECT extract(epoch FROM clock_timestamp())::float8")
            self.clock.learn(then, sent_at)
        return self.clock.now()

    def known_now(self) -> float:
        return self.clock.now()

    async def live(self) -> str | None:
        live: str | None = (await self._row("SELECT live FROM nearfield.state"))[0]
        return live

    async def pointer(self) -> Pointer:
        return Pointer(*await self._row("SELECT live, target FROM nearfield.state"))

    async def prepare(self, release: str, wait_s: float, without: Collection[str] = ()) -> list[str]:
        return await postgres_hosts.prepare(self.connection, release, wait_s, without)

    async def withdraw(self) -> None:
        async with self.connection.statements() as connection:
            await connection.execute("UPDATE nearfield.state SET target = NULL")

    async def serving(self, data_dir: Path) -> None:
        await warn_of_lossy_standbys(self.connection)
        # Settings may name it from where they lie: two folders are told apart by their whole names.
        self._data_dir = data_dir.absolute()
        await postgres_hosts.enter(self.connection, self.host, self._data_dir)

    async def served(self) -> None:
        await postgres_hosts.leave(self.connection, self.host)

    async def report(self, loaded: str | None, gone: Sequence[str]) -> bool:
        assert self._data_dir is not None, "serving comes first"
        return await postgres_hosts.report(self.connection, self.host, self._data_dir, loaded, gone)

    async def keep(self, kept: Mapping[str, int], *, stored: bool = False) -> None:
        await postgres_hosts.keep(self.connection, postgres_hosts.RELEASE_STORE if stored else self.host, kept)

    async def kept_elsewhere(self, *, stored: bool = True) -> set[str]:
        return await postgres_hosts.kept_elsewhere(self.connection, self.host, stored=stored)

    async def begins(self) -> int:
        return int((await self._row("SELECT cut FROM nearfield.state"))[0])

    async def switch(self, activation: Activation) -> None:
        async def beside(connection: AsyncConnection[Any], number: int) -> None:
            if self._fence is not None:
                await _check_fence(connection, self._fence)
            await connection.execute("UPDATE nearfield.state SET live = %s, target = NULL", (activation.release,))
            await connection.execute(
                "INSERT INTO nearfield.activations (number, body) VALUES (%s, %s)",
                (number, msgspec.json.encode(activation)),
            )

        await append(self.connection, (WentLive(activation.release),), beside)

    async def activations(self) -> list[Activation]:
        async with self.connection.statements() as connection:
            cursor = await connection.execute("SELECT body FROM nearfield.activations ORDER BY number")
            rows = await cursor.fetchall()
        try:
            return [msgspec.json.decode(body, type=Activation) for (body,) in rows]
        except msgspec.DecodeError as error:
            raise DamagedError(
                f"nearfield.activations cannot be read: {error}. Restore the database from a backup."
            ) from error

    async def rules(self) -> tuple[str, RuleSet]:
        accepted = await self._accepted()
        return DEFAULT_RULES if accepted is None else accepted_rules(accepted)

    async def rules_data(self) -> bytes | None:
        accepted = await self._accepted()
        return None if accepted is None else accepted.text.encode()

    async def _accepted(self) -> RulesAccepted | None:
        async with self.connection.statements() as connection:
            cursor = await connection.execute("SELECT body FROM nearfield.records WHERE key = 'rules'")
            row = await cursor.fetchone()
        if row is None:
            return None
        try:
            return _rules_decoder.decode(row[0])
        except msgspec.DecodeError as error:
            raise DamagedError(
                f"the accepted rules cannot be read in nearfield.records: {error}. Restore the database from a backup."
            ) from error

    async def accept(self, data: bytes, source: str, fits: Fits, by: str = "") -> str:
        ruleset = rules_in(data, source)
        fits(ruleset)
        version = rules_version(ruleset)
        await self.append((RulesAccepted(version, data.decode(), by),))
        return version

    @asynccontextmanager
    async def build_lock(self) -> AsyncIterator[None]:
        # A connection of its own: the lock is the session's, and ends with it, whatever becomes of this host.
        own = StateConnection(self.url)
        try:
            async with own.transaction() as connection:
                cursor = await connection.execute("SELECT pg_try_advisory_lock(%s)", (_BUILD_LOCK,))
                row = await cursor.fetchone()
                if row is None or not row[0]:
                    holder = await self.build_holder() or "another host"
                    raise BuildLockedError(f"The build lock is held by {holder}. Wait for it to end, or stop it.")
                cursor = await connection.execute(
                    "UPDATE nearfield.state SET fence = fence + 1, holder = %s || ', since '"
                    " || to_char(now(), 'YYYY-MM-DD HH24:MI:SS TZ') RETURNING fence",
                    (f"host {self.host}",),
                )
                row = await cursor.fetchone()
            if row is None:
                raise lost_row()
            self._fence = int(row[0])
            try:
                yield
            finally:
                self._fence = None
                # Not by closing alone: the server notices that some moments later.
                with suppress(StateError):
                    async with own.transaction() as connection:
                        await connection.execute("SELECT pg_advisory_unlock(%s)", (_BUILD_LOCK,))
        finally:
            await own.close()

    async def build_holder(self) -> str | None:
        held, holder = await self._row(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND classid = 0"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())), holder"
            " FROM nearfield.state",
            (_BUILD_LOCK,),
        )
        return (holder or "another host") if held else None

    async def cursor_key(self) -> bytes:
        return bytes((await self._row("SELECT cursor_key FROM nearfield.state"))[0])

    async def unacknowledged(self, number: int, wait_s: float) -> list[str]:
        return await self._acknowledgement.unacknowledged(number, wait_s)

    async def close(self) -> None:
        await self.connection.close()

    async def _row(self, sql: str, given: Sequence[object] = ()) -> tuple[Any, ...]:
        async with self.connection.statements() as connection:
            cursor = await connection.execute(sql.encode(), given)
            row = await cursor.fetchone()
        if row is None:
            raise lost_row()
        return row


async def _check_fence(connection: AsyncConnection[Any], fence: int) -> None:
    cursor = await connection.execute("SELECT fence FROM nearfield.state")
    row = await cursor.fetchone()
    if row is None or row[0] != fence:
        raise BuildLockedError(
            "The build lock was lost, and another host has taken it: the release stays unused. Build again."
        )
