"""The log in PostgreSQL: frames numbered without gaps in the order of commit, records replaced by later ones.

A frame's number is taken under the lock of the one row of `nearfield.state`, which is held to the commit.
What a frame says of a row or an id goes when a later frame says something else of it: a reader takes what there is in
one look, up to the last number, so that what it missed in between makes no difference.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import uuid4

import msgspec
from psycopg import AsyncConnection

from embedding.errors import DamagedError
from indexing.errors import RulesError, StartOverError, StateError, StateRefusedError
from indexing.rules.declaration import RuleSet
from indexing.rules.reading import rules_in
from indexing.state.postgres_connection import STATEMENT_S, StateConnection, lost_row
from indexing.state.record_kinds import ALL_READ, key_of, kind_of
from indexing.state.records import Change, Frame, RulesAccepted

_log = logging.getLogger("nearfield.state")

NOTIFIED = "nearfield"
"""The channel on which a commit is told, with its number."""
# How long an append is tried again whose outcome was not told, and the pause between two tries.
_RETRY_S, _PAUSE_S = 5.0, 0.2
# Appends between two times that old tokens are removed.
_FORGET_EVERY = 1000
# A first read brings all rows that were put since the oldest release; it may be as much as a catalogue.
_FIRST_READ_S = 300.0
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Change)

# What else an append does, in its transaction: given the connection and the frame's number.
Beside = Callable[[AsyncConnection, int], Awaitable[None]]


class PostgresReader:
    """As LogReader, from the beginning or from what `start_over` left."""

    def __init__(self, connection: StateConnection) -> None:
        self._connection = connection
        self._number = 0
        self._position = ""
        self._rules: RulesAccepted | None = None
        self.begins = 0
        """The number up to which the log had been cut when it was last read."""

    @property
    def number(self) -> int:
        """Number of the last frame read."""
        return self._number

    async def fresh(self) -> Sequence[Frame]:
        async with self._connection.statements(STATEMENT_S if self._number else _FIRST_READ_S) as connection:
            if self._position not in ("", self._connection.position):
                raise StartOverError(
                    f"the state's database is at {self._connection.position}, what was read was of {self._position}"
                )
            # One statement, one snapshot: the last number belongs to the records.
            cursor = await connection.execute(
                "SELECT s.number, s.cut, s.id, r.number, r.at, r.body FROM nearfield.state s"
                " LEFT JOIN nearfield.records r ON r.number > %s ORDER BY r.number, r.place",
                (self._number,),
            )
            rows = await cursor.fetchall()
        if not rows:
            raise lost_row()
        end, cut, id = rows[0][:3]
        self._connection.check_id(id)
        if end < self._number or 0 < self._number < cut:
            raise StartOverError(f"the log ends at {end} and was cut at {cut}, {self._number} was read")
        frames = [] if rows[0][3] is None else _frames(rows, self._number)
        if frames[-1:] and frames[-1].seq > end:
            raise DamagedError(
                f"the state's log ends at {end} and has a frame {frames[-1].seq}: its tables were edited by hand. "
                "Restore the database from a backup."
            )
        if end > (frames[-1].seq if frames else self._number):
            # Those at the end said nothing that still counts.
            frames.append(Frame(end, "", (), frames[-1].seq if frames else self._number))
        self._number, self._position, self.begins = end, self._connection.position, cut
        for frame in frames:
            for change in frame.changes:
                if isinstance(change, RulesAccepted):
                    # Read when they are asked for: where they cannot be, what else was said holds all the same.
                    self._rules = change
        return frames

    def fresh_rules(self) -> tuple[str, RuleSet] | None:
        rules, self._rules = self._rules, None
        return None if rules is None else accepted_rules(rules)


def accepted_rules(record: RulesAccepted) -> tuple[str, RuleSet]:
    """Version and rules of what was accepted; DamagedError where they cannot be read here."""
    try:
        return record.version, rules_in(record.text.encode(), f"the accepted rules {record.version}")
    except RulesError as error:
        raise DamagedError(
            f"{error}. They were accepted by a newer Nearfield, or edited by hand: upgrade Nearfield on this host, or "
            "accept a rules file again."
        ) from error


def _frames(rows: list[tuple[Any, ...]], before: int) -> list[Frame]:
    frames = []
    for number, records in groupby(rows, itemgetter(3)):
        kept = list(records)
        try:
            changes = tuple(_decoder.decode(record[5]) for record in kept)
        except msgspec.DecodeError as error:
            raise DamagedError(
                f"frame {number} of the state's log cannot be read here ({error}): it was written by a newer "
                "Nearfield, or damaged. Upgrade Nearfield on this host, or restore the database from a backup."
            ) from error
        frames.append(Frame(number, kept[0][4], changes, before))
        before = number
    return frames


async def append(connection: StateConnection, changes: Sequence[Change], beside: Beside | None = None) -> int:
    """Append one frame, with what `beside` does in the same transaction; its number.

    Tried again where the connection broke: what was committed after all is found by its token. StateError when it was
    not to be written: a worker with a lease cannot read it, or the database does not answer in time; then the message
    says whether it is known that nothing was written.
    """
    token = uuid4().hex
    begun = asyncio.get_running_loop().time()
    again = False
    while True:
        try:
            return await _append(connection, changes, beside, token)
        except _UnreadableError as error:
            raise StateError(str(error)) from error
        except StateError as error:
            is_refused = isinstance(error, StateRefusedError)
            if is_refused and not again:
                raise
            if is_refused or asyncio.get_running_loop().time() - begun > _RETRY_S:
                raise StateError(
                    f"{error}. The change was not acknowledged; whether it was written cannot be told before the "
                    "database answers again. Make it once more then: the same change twice does no harm."
                ) from error
            again = True
            await asyncio.sleep(_PAUSE_S)


class _UnreadableError(Exception):
    """A worker with a lease could not read it."""


async def _append(connection: StateConnection, changes: Sequence[Change], beside: Beside | None, token: str) -> int:
    async with connection.transaction() as open_:
        # The lock that an earlier try may still hold is waited for: then it is known whether that was committed.
        cursor = await open_.execute(
            "WITH numbered AS (UPDATE nearfield.state SET number = number + 1 RETURNING number, settled, moved_to),"
            " told AS (INSERT INTO nearfield.appends (token, number) SELECT %s, number FROM numbered"
            " ON CONFLICT (token) DO NOTHING RETURNING number)"
            " SELECT number, settled, moved_to, EXISTS (SELECT FROM told),"
            " to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') FROM numbered",
            (token,),
        )
        row = await cursor.fetchone()
        if row is None:
            raise lost_row()
        number, settled, moved_to, is_new, at = row
        connection.check_here(moved_to)
        if not is_new:
            await open_.execute("UPDATE nearfield.state SET number = number - 1")
            return await _number_of(open_, token)
        await _check_readers(open_, changes, settled == connection.position)
        records = [
            (number, place, key_of(change), kind_of(change).name, at, _encoder.encode(change), token)
            for place, change in enumerate(changes)
        ]
        replaced = list({key_of(change) for change in changes if kind_of(change).replaces})
        if replaced:
            await open_.execute("DELETE FROM nearfield.records WHERE key = ANY(%s)", (replaced,))
        if records:
            await open_.cursor().executemany(
                "INSERT INTO nearfield.records (number, place, key, kind, at, body, token)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                records,
            )
        if beside is not None:
            await beside(open_, number)
        if number % _FORGET_EVERY == 0:
            # Nobody asks for one as old as that.
            await open_.execute("DELETE FROM nearfield.appends WHERE at < now() - interval '1 hour'")
        await open_.execute("SELECT pg_notify(%s, %s)", (NOTIFIED, str(number)))
    return int(number)


async def _number_of(connection: AsyncConnection, token: str) -> int:
    cursor = await connection.execute("SELECT number FROM nearfield.appends WHERE token = %s", (token,))
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def _check_readers(connection: AsyncConnection, changes: Sequence[Change], is_settled: bool) -> None:
    reads = max((kind_of(change).reads for change in changes), default=0)
    if reads > ALL_READ and not is_settled:
        raise _UnreadableError(
            "the database's timeline is a new one, and leases of older workers may not have come over: a change that "
            "they cannot read waits until the longest has run out. Nothing was changed; try again then."
        )
    cursor = await connection.execute(
        "SELECT DISTINCT host FROM nearfield.workers WHERE reads < %s ORDER BY host", (reads,)
    )
    hosts = [host for (host,) in await cursor.fetchall()]
    if hosts:
        raise _UnreadableError(
            f"this change cannot be read by the older Nearfield that serves on {', '.join(hosts)}. Upgrade there first "
            "(or `nearfield state forget HOST` for a host that is gone). Nothing was changed."
        )
