"""What hosts say of themselves in the database: which releases they keep, and which their workers are ready for."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import msgspec

from embedding.errors import UsageError
from indexing.state.postgres_connection import StateConnection
from indexing.state.record_kinds import ROW_KINDS

_PAUSE_S = 0.1
RELEASE_STORE = ""
"""Stands in `nearfield.hosts` for the release store, which keeps releases as a host does, and never serves."""
# A host serves where its supervisor says so, and one of its workers has a lease.
_SERVING = (
    "SELECT h.host, h.data_dir FROM nearfield.hosts h WHERE h.serves"
    " AND EXISTS (SELECT FROM nearfield.workers w WHERE w.host = h.host)"
)


async def enter(connection: StateConnection, host: str, data_dir: Path) -> None:
    """Say that `host` serves from `data_dir`; UsageError where another folder does so under the same name."""
    async with connection.transaction() as open_:
        cursor = await open_.execute(
            f"SELECT data_dir FROM ({_SERVING}) AS h WHERE host = %s AND data_dir <> %s".encode(),
            (host, str(data_dir)),
        )
        other = await cursor.fetchone()
        if other is not None:
            raise UsageError(
                f"host_name: another service of this state is called {host!r}, with its data in {other[0]}. Give each "
                f"its own host_name; where that one is off for good, say `nearfield state forget {host}`."
            )
        await open_.execute(
            "INSERT INTO nearfield.hosts (host, data_dir, serves) VALUES (%s, %s, true)"
            " ON CONFLICT (host) DO UPDATE SET data_dir = excluded.data_dir, serves = true, loaded = NULL",
            (host, str(data_dir)),
        )


async def leave(connection: StateConnection, host: str) -> None:
    """Nothing serves on `host` any more; its releases stay."""
    async with connection.statements() as open_:
        await open_.execute("UPDATE nearfield.hosts SET serves = false, loaded = NULL WHERE host = %s", (host,))


async def forget(connection: StateConnection, host: str) -> bool:
    """Wait no more for anything of `host`, which is known to be dead; whether anything was known of it."""
    if host == RELEASE_STORE:
        # Nobody waits for it, and what it keeps is asked for all the same.
        return False
    async with connection.transaction() as open_:
        workers = await open_.execute("DELETE FROM nearfield.workers WHERE host = %s", (host,))
        hosts = await open_.execute("DELETE FROM nearfield.hosts WHERE host = %s", (host,))
    return bool(workers.rowcount or hosts.rowcount)


async def report(
    connection: StateConnection, host: str, data_dir: Path, loaded: str | None, gone: Sequence[str]
) -> bool:
    """What the workers of `host`, which serves from `data_dir`, are ready for, and which of them are over.

    Whether the host had been forgotten: then nobody knows what it keeps.
    """
    async with connection.transaction() as open_:
        if gone:
            await open_.execute("DELETE FROM nearfield.workers WHERE id = ANY(%s)", (list(gone),))
        # One that was forgotten, and serves after all, is waited for again.
        cursor = await open_.execute(
            "INSERT INTO nearfield.hosts AS h (host, data_dir, serves, loaded) VALUES (%s, %s, true, %s)"
            " ON CONFLICT (host) DO UPDATE SET loaded = excluded.loaded"
            " WHERE h.loaded IS DISTINCT FROM excluded.loaded RETURNING xmax = 0",
            (host, str(data_dir), loaded),
        )
        # Nothing comes back where nothing was to be changed; no transaction has locked a row that was just inserted.
        row = await cursor.fetchone()
    return row is not None and bool(row[0])


async def prepare(connection: StateConnection, release: str, wait_s: float, without: Collection[str]) -> list[str]:
    """Hosts that serve and have not loaded `release` after `wait_s`, but those in `without`."""
    async with connection.statements() as open_:
        await open_.execute("UPDATE nearfield.state SET target = %s", (release,))
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + wait_s
    while True:
        async with connection.statements() as open_:
            cursor = await open_.execute(
                f"{_SERVING} AND h.loaded IS DISTINCT FROM %s AND NOT h.host = ANY(%s) ORDER BY h.host".encode(),
                (release, list(without)),
            )
            behind = [host for host, _ in await cursor.fetchall()]
        if not behind or loop.time() >= give_up_at:
            return behind
        await asyncio.sleep(_PAUSE_S)


async def keep(connection: StateConnection, host: str, kept: Mapping[str, int]) -> None:
    """What `host` (or the release store) keeps; and the log without what no release that anybody keeps can need."""
    async with connection.transaction() as open_:
        # Before anything else: whoever appends holds this lock too.
        await open_.execute("SELECT FROM nearfield.state FOR UPDATE")
        await open_.execute(
            "INSERT INTO nearfield.hosts (host, data_dir, kept) VALUES (%s, '', %s)"
            " ON CONFLICT (host) DO UPDATE SET kept = excluded.kept",
            (host, msgspec.json.encode(kept).decode()),
        )
        await open_.execute(
            "UPDATE nearfield.state SET cut = greatest(cut, oldest) FROM (SELECT min(number::bigint) AS oldest"
            " FROM nearfield.hosts, jsonb_each_text(kept) AS k (release, number)) AS o WHERE oldest IS NOT NULL"
        )
        # Of takedowns the last word stays: an id that was lifted is hidden no more without it.
        await open_.execute(
            "DELETE FROM nearfield.records r USING nearfield.state s"
            " WHERE r.number <= s.cut AND (r.kind = ANY(%s) OR r.kind = 'lift')",
            (list(ROW_KINDS),),
        )


async def kept_elsewhere(connection: StateConnection, host: str, *, stored: bool) -> set[str]:
    """Releases that hosts other than `host` keep, and the release store where `stored`."""
    async with connection.statements() as open_:
        others = [host] if stored else [host, RELEASE_STORE]
        cursor = await open_.execute(
            "SELECT jsonb_object_keys(kept) FROM nearfield.hosts WHERE NOT host = ANY(%s)", (others,)
        )
        return {release for (release,) in await cursor.fetchall()}
