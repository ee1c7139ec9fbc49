"""Addresses, databases and tables that are not what they should be: what is expected, what came, what to do."""

import logging
import os
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from embedding.errors import DamagedError, UsageError
from indexing.errors import StartOverError, StateError, StateRefusedError
from indexing.settings import IndexingSettings
from indexing.state.open import open_database
from indexing.state.postgres import PostgresState
from indexing.state.postgres_connection import StateConnection
from indexing.state.records import TakenDown
from tests.indexing.state.leases import Database, HandClock, hold
from tests.postgres_server import postgres_server


@pytest.mark.parametrize(
    "url",
    [
        "no address at all s3cret",
        "postgresql://ops:s3cret@host:port/db?x",
        "postgresql://ops:123/s3cret@host/db",
        "postgresql://ops:123/s3cret@host/db?nonsense=s3cret",
        "postgresql://ops:a/s3cret@host/db",
        "host=h passwort=s3cret",
        "password=s3cret user",
        "postgres//ops:s3cret@host/db",
    ],
)
def test_an_address_that_is_none_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        StateConnection(url)
    assert str(refused.value).startswith("state_url: expected postgresql://USER@HOST/DATABASE")
    assert "s3cret" not in str(refused.value)
    # Nor in what came before it, which a log would show.
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ops:s3cret@127.0.0.1:1/db",
        "postgresql://ops:s3cret@/?host=/nowhere",
        "host=127.0.0.1 port=1 user=ops password=s3cret",
        "postgresql://ops:s3cret@",
        "postgresql://ops:s3cret@127.0.0.1:1,127.0.0.1:2/db",
    ],
)
def test_a_database_that_is_not_there_is_named_without_its_password(url: str, caplog: pytest.LogCaptureFixture) -> None:
    database = Database()

    async def work() -> None:
        state = PostgresState(url, "host-1")
        with pytest.raises(StateError, match=r"the state's database \(.+\) cannot be reached: ") as refused:
            await state.end()
        assert "s3cret" not in "".join(traceback.format_exception(refused.value))
        assert "s3cret" not in state.connection.told
        await state.close()

    with caplog.at_level(logging.DEBUG):
        database.run(work)
    assert "s3cret" not in caplog.text


def test_without_what_speaks_to_it_the_extra_is_named(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from pathlib import Path\n"
        "from embedding.errors import UsageError\n"
        "from indexing.settings import IndexingSettings\n"
        "from indexing.state.open import open_state\n"
        "open_state(IndexingSettings(data_dir=Path('.'))) and print('files are opened')\n"
        "try:\n"
        "    open_state(IndexingSettings(data_dir=Path('.'), state_url='postgresql://ops:s3cret@h/db'))\n"
        "except UsageError as error:\n"
        "    print(error)\n"
    )
    # Elsewhere: below the working folder the interpreter is named by a relative path.
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=os.environ, cwd=tmp_path, check=True
    )
    assert done.stdout.splitlines() == [
        "files are opened",
        "state_url (PostgreSQL) needs psycopg, which is not installed. Install the extra: "
        f"{sys.executable} -m pip install 'nearfield[postgres]'",
    ], done.stderr


def test_no_address_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="state_url names no database: set it to"):
        open_database(IndexingSettings(data_dir=tmp_path))


@pytest.mark.parametrize(("least", "is_taken"), [(1, True), (99, False)])
def test_a_database_of_a_newer_schema_is_used_where_it_says_so(least: int, is_taken: bool) -> None:
    database = Database()

    async def work() -> None:
        state = database.state()
        await state.append([TakenDown("a")])
        database.execute(f"INSERT INTO nearfield.migrations (number, least) VALUES (99, {least})")
        newer = database.state()
        if is_taken:
            assert await newer.append([TakenDown("b")]) == 2
            return
        with pytest.raises(StateError, match="made by a newer Nearfield: it needs one that knows its schema 99, this"):
            await newer.append([TakenDown("b")])
        assert database.one("SELECT number FROM nearfield.state") == 1

    database.run(work)


def test_a_server_that_does_not_flush_is_refused() -> None:
    with postgres_server("-c", "fsync=off") as server:
        database = Database(server)

        async def work() -> None:
            with pytest.raises(StateError, match=r"has fsync = off: .* lost when its machine stops\. Set fsync = on"):
                await database.state().end()
            assert database.one("SELECT to_regclass('nearfield.state')") is None

        database.run(work)


def test_commits_are_waited_for_whatever_the_server_says_of_them() -> None:
    database = Database()
    database.execute(f"ALTER DATABASE {database.name} SET synchronous_commit = off")
    database.execute(f"ALTER DATABASE {database.name} SET default_transaction_isolation = 'serializable'")

    async def work() -> None:
        async with database.state().connection.transaction() as connection:
            for name, expected in (("synchronous_commit", "on"), ("transaction_isolation", "read committed")):
                cursor = await connection.execute("SELECT current_setting(%s)", (name,))
                assert await cursor.fetchone() == (expected,)

    database.run(work)


def test_a_user_without_rights_is_told_what_was_refused() -> None:
    database = Database()
    name = f"reader_of_{database.name}"
    database.execute(f"CREATE ROLE {name} LOGIN PASSWORD 's3cret'")
    url = database.url.replace("postgres@", f"{name}:s3cret@")

    async def work() -> None:
        # It may not make the tables.
        other = PostgresState(url, "host-1")
        with pytest.raises(StateError, match="cannot be used: permission denied for database"):
            await other.end()
        state = database.state()
        await state.append([TakenDown("a")])
        with pytest.raises(StateError, match="cannot be used: permission denied for schema nearfield"):
            await other.end()
        # It may read, and no more.
        database.execute(f"GRANT USAGE ON SCHEMA nearfield TO {name}")
        database.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA nearfield TO {name}")
        assert [frame.seq for frame in await other.reader().fresh()] == [1]
        with pytest.raises(StateRefusedError, match="refused: permission denied for table state") as refused:
            await other.append([TakenDown("b")])
        assert "s3cret" not in str(refused.value)
        assert await state.end() == 1
        await other.close()

    database.run(work)


def test_a_row_that_is_missing_is_said_wherever_it_is_looked_for() -> None:
    database = Database()

    async def work() -> None:
        state, lease = database.state(), database.lease(HandClock())
        reader = state.reader()
        await state.append([TakenDown("a")])
        await hold(lease, 1)
        await state.unacknowledged(1, 0)
        database.execute("DELETE FROM nearfield.state")
        asked = (
            state.end,
            state.live,
            state.pointer,
            state.id,
            state.cursor_key,
            state.build_holder,
            reader.fresh,
            lease.take,
            lambda: state.append([TakenDown("b")]),
            lambda: state.unacknowledged(1, 0),
            database.state().end,
        )
        for ask in asked:
            with pytest.raises(StateError, match=r"has lost its row in nearfield\.state: restore it from a backup"):
                await ask()
        assert database.execute("SELECT number FROM nearfield.records") == [(1,)]

    database.run(work)


@pytest.mark.parametrize(
    ("by_hand", "told"),
    [
        ("UPDATE nearfield.state SET number = 1", "ends at 1 and has a frame 2: its tables were edited by hand"),
        ("UPDATE nearfield.records SET body = '\\x00' WHERE number = 2", "frame 2 of the state's log cannot be read"),
        (
            # ["tomorrow", "a"]: of a kind that is not known yet.
            "UPDATE nearfield.records SET body = '\\x92a8746f6d6f72726f77a161' WHERE number = 2",
            "frame 2 of .*written by a newer Nearfield, or damaged. Upgrade Nearfield on this host",
        ),
    ],
)
def test_a_log_that_was_edited_is_not_read_past_that(by_hand: str, told: str) -> None:
    database = Database()

    async def work() -> None:
        state = database.state()
        reader = state.reader()
        for number in (1, 2):
            await state.append([TakenDown(f"a{number}")])
        body = database.one("SELECT body FROM nearfield.records WHERE number = 2")
        database.execute(by_hand)
        for _ in range(2):
            with pytest.raises(DamagedError, match=told):
                await reader.fresh()
        database.execute("UPDATE nearfield.state SET number = 2")
        database.execute(f"UPDATE nearfield.records SET body = '\\x{body.hex()}' WHERE number = 2")
        # Nothing was skipped.
        assert [frame.seq for frame in await reader.fresh()] == [1, 2]

    database.run(work)


def test_a_log_that_was_set_back_is_read_from_its_beginning() -> None:
    database = Database()

    async def work() -> None:
        state = database.state()
        reader = state.reader()
        for number in (1, 2):
            await state.append([TakenDown(f"a{number}")])
        await reader.fresh()
        database.execute("DELETE FROM nearfield.records WHERE number = 2; UPDATE nearfield.state SET number = 1")
        with pytest.raises(StartOverError, match=r"the log ends at 1 .* 2 was read"):
            await reader.fresh()
        assert [frame.seq for frame in await state.reader().fresh()] == [1]

    database.run(work)


def test_a_schema_that_was_moved_away_is_missed_and_one_made_anew_is_another() -> None:
    database = Database()

    async def work() -> None:
        state, lease = database.state(), database.lease(HandClock())
        reader = state.reader()
        await state.append([TakenDown("a")])
        await reader.fresh()
        await hold(lease, 1)
        database.execute("ALTER SCHEMA nearfield RENAME TO elsewhere")
        with pytest.raises(StateRefusedError, match="does not exist"):
            await state.append([TakenDown("b")])
        with pytest.raises(StateRefusedError, match="does not exist"):
            await lease.renew(1)
        assert await database.state("host-2").end() == 0
        # A connection of before, and one that it makes again.
        for _ in range(2):
            with pytest.raises(StateRefusedError, match=r"kept the state .* before, and keeps .* now"):
                await reader.fresh()
            database.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        database.execute("DROP SCHEMA nearfield CASCADE")
        database.execute("ALTER SCHEMA elsewhere RENAME TO nearfield")
        assert await state.append([TakenDown("b")]) == 2
        assert [frame.seq for frame in await reader.fresh()] == [2]

    database.run(work)
