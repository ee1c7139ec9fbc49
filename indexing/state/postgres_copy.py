"""The state in PostgreSQL, read and written as a whole."""

import msgspec
from psycopg import AsyncConnection

from indexing.rules.declaration import rules_version
from indexing.rules.reading import rules_in
from indexing.state.copies import StateCopy
from indexing.state.file_log import gone_on
from indexing.state.postgres import PostgresState
from indexing.state.postgres_connection import lost_row
from indexing.state.record_kinds import key_of, kind_of
from indexing.state.records import Frame, RulesAccepted, WentLive

_encoder = msgspec.msgpack.Encoder()


class PostgresPlace:
    """The database of `state_url`."""

    def __init__(self, state: PostgresState) -> None:
        self._state = state
        self.name = f"the database {state.connection.told}"

    async def read(self) -> StateCopy:
        async with self._state.connection.transaction() as connection:
            cursor = await connection.execute("SELECT moved_to FROM nearfield.state")
            row = await cursor.fetchone()
        if row is None:
            raise lost_row()
        self._state.connection.check_here(row[0])
        frames = await self._state.reader().fresh()
        accepted = [change for frame in frames for change in frame.changes if isinstance(change, RulesAccepted)]
        return StateCopy(
            id=await self._state.id(),
            frames=frames,
            live=await self._state.live(),
            activations=await self._state.activations(),
            rules=accepted[-1].text.encode() if accepted else None,
            cursor_key=await self._state.cursor_key(),
            begins=await self._state.begins(),
        )

    async def holds(self) -> tuple[str, int] | None:
        async with self._state.connection.transaction() as connection:
            cursor = await connection.execute("SELECT id, number, moved_end, moved_to FROM nearfield.state")
            row = await cursor.fetchone()
        if row is None or not row[1] or row[3] is not None:
            # What was moved away is here no more, whatever is left of it.
            return None
        # What was moved here says how far it had come where it was.
        return row[0], row[1] if row[2] is None else row[2]

    async def write(self, copy: StateCopy) -> None:
        async with self._state.connection.transaction(600.0) as connection:
            for table in ("records", "activations"):
                await connection.execute(f"DELETE FROM nearfield.{table}".encode())
            await connection.execute(
                "UPDATE nearfield.state SET id = %s, cursor_key = %s, number = %s, cut = %s, live = %s,"
                " moved_end = %s, moved_to = NULL",
                (copy.id, copy.cursor_key, copy.end, copy.begins, copy.live, copy.end),
            )
            await _write_frames(connection, copy)
            for place, activation in enumerate(copy.activations, start=1 - len(copy.activations)):
                await connection.execute(
                    "INSERT INTO nearfield.activations (number, body) VALUES (%s, %s)",
                    (place, msgspec.json.encode(activation)),
                )
        self._state.connection.id = copy.id

    async def leave(self, where: str, end: int) -> None:
        async with self._state.connection.transaction() as connection:
            cursor = await connection.execute("UPDATE nearfield.state SET moved_to = %s RETURNING number", (where,))
            row = await cursor.fetchone()
            if row is None:
                raise lost_row()
            if row[0] != end:
                raise gone_on(self.name, end, row[0])
            # No lease is renewed any more: workers that answer by it stop when theirs has run out.
            await connection.execute("DELETE FROM nearfield.workers")


async def _write_frames(connection: AsyncConnection, copy: StateCopy) -> None:
    """Of each key what was said last, under its own number; then what files keep beside the log."""
    frames = list(copy.frames)
    said = [change for frame in frames for change in frame.changes]
    rules_said = next((change.version for change in reversed(said) if isinstance(change, RulesAccepted)), None)
    version = None if copy.rules is None else rules_version(rules_in(copy.rules, "the accepted rules"))
    # A log that was in a database before says what was so then.
    if copy.rules is not None and version is not None and version != rules_said:
        frames.append(Frame(copy.end + 1, "", (RulesAccepted(version, copy.rules.decode()),)))
    live_said = next((change.release for change in reversed(said) if isinstance(change, WentLive)), None)
    if copy.live is not None and copy.live != live_said:
        number = (frames[-1].seq if frames else 0) + 1
        frames.append(Frame(number, "", (WentLive(copy.live),)))
    last: dict[str, int] = {}
    for frame in frames:
        for change in frame.changes:
            if kind_of(change).replaces:
                last[key_of(change)] = frame.seq
    kept = [
        (frame.seq, place, key_of(change), kind_of(change).name, frame.at, _encoder.encode(change))
        for frame in frames
        for place, change in enumerate(frame.changes)
        if frame.seq >= last.get(key_of(change), 0)
    ]
    if kept:
        await connection.cursor().executemany(
            "INSERT INTO nearfield.records (number, place, key, kind, at, body, token)"
            " VALUES (%s, %s, %s, %s, %s, %s, '')",
            kept,
        )
    if frames:
        await connection.execute("UPDATE nearfield.state SET number = %s", (frames[-1].seq,))
