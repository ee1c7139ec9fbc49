"""Appending to the log in PostgreSQL while it is killed, blocked and written to by many."""

import asyncio
import multiprocessing
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from embedding.errors import DamagedError
from indexing.errors import BuildLockedError, StateError, StateRefusedError
from indexing.journal.takedowns import taken_down
from indexing.state import postgres_log
from indexing.state.contract import Activation
from indexing.state.postgres import PostgresState
from indexing.state.postgres_connection import StateConnection
from indexing.state.postgres_log import append
from indexing.state.records import Lifted, RulesAccepted, TakenDown
from tests.indexing.state.leases import Database, commits_untold
from tests.postgres_server import PostgresServer, postgres_server


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgresServer]:
    """A server that may be killed; whoever kills it starts it again."""
    with postgres_server() as server:
        yield server


def test_it_is_written_once_though_the_database_was_killed_before_it_answered(
    own_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(own_server)
    # However long this machine takes to start a server.
    monkeypatch.setattr(postgres_log, "_RETRY_S", 60.0)

    async def work() -> None:
        state = database.state()
        assert await state.append([TakenDown("before")]) == 1

        async def slow(_connection: object, _number: int) -> None:
            # Everything is written, and nothing committed: the power goes.
            if not killed.is_set():
                killed.set()
                await asyncio.to_thread(own_server.kill)
                threading.Timer(1.0, own_server.start).start()

        killed = asyncio.Event()
        assert await append(state.connection, [TakenDown("during")], slow) == 2
        assert await taken_down(state) == {"before", "during"}
        assert await state.append([TakenDown("after")]) == 3

    database.run(work)


def test_it_is_written_once_though_its_commit_was_not_told(
    own_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(own_server)

    async def work() -> None:
        state = database.state()
        await state.append([TakenDown("before")])
        with monkeypatch.context() as patch:
            broken = commits_untold(patch)
            assert await state.append([TakenDown("during")]) == 2
        assert broken == ["untold"]
        assert await state.end() == 2
        assert [frame.seq for frame in await state.reader().fresh()] == [1, 2]

    database.run(work)


def test_a_database_that_stays_away_is_said_after_some_tries_and_that_nobody_knows(
    own_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`database.run` ends what is tried for ever."""
    database = Database(own_server)
    monkeypatch.setattr(postgres_log, "_RETRY_S", 1.0)

    async def work() -> None:
        state = database.state()
        await state.append([TakenDown("before")])
        own_server.kill()
        begun = time.monotonic()
        try:
            with pytest.raises(
                StateError, match=r"cannot be reached.*not acknowledged.*same change twice does no harm"
            ):
                await state.append([TakenDown("during")])
            assert time.monotonic() - begun > 1.0
        finally:
            own_server.start()
        # The first call after its return: the connection of before is known to be over.
        assert await state.end() == 1

    database.run(work)


def test_what_replaced_it_before_its_writer_knew_that_it_was_written_stays(
    own_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(own_server)

    async def work() -> None:
        first, second = database.state(), database.state()
        await second.append([TakenDown("a")])
        with monkeypatch.context() as patch:
            broken = commits_untold(patch)
            lifting = asyncio.create_task(first.append([Lifted("a")]))
            while not broken:
                await asyncio.sleep(0.01)
        # Seen as lifted, and taken down again, before the other one tries again.
        assert await second.append([TakenDown("a")]) == 3
        assert await lifting == 2
        assert await taken_down(second) == {"a"}
        assert await second.end() == 3

    database.run(work)


def test_attempts_are_forgotten_when_nobody_asks_for_them_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database()
    monkeypatch.setattr(postgres_log, "_FORGET_EVERY", 3)

    async def work() -> None:
        state = database.state()
        await state.append([TakenDown("a")])
        database.execute("UPDATE nearfield.appends SET at = now() - interval '2 hours'")
        await state.append([TakenDown("b")])
        assert database.one("SELECT count(*) FROM nearfield.appends") == 2
        await state.append([TakenDown("c")])
        assert database.execute("SELECT number FROM nearfield.appends ORDER BY number") == [(2,), (3,)]

    database.run(work)


def test_a_database_that_hangs_is_given_up(own_server: PostgresServer) -> None:
    """Else `database.run` ends it."""
    database = Database(own_server)

    async def work() -> None:
        state = database.state()
        await state.append([TakenDown("before")])
        with own_server.hanging(), pytest.raises(StateError, match=r"no answer within 1 s"):
            async with state.connection.transaction(1.0) as connection:
                await connection.execute("SELECT FROM nearfield.state FOR UPDATE")
        assert await state.append([TakenDown("after")]) == 2

    database.run(work)


def test_the_first_call_after_a_restart_is_answered(own_server: PostgresServer) -> None:
    database = Database(own_server)

    async def work() -> None:
        state = database.state()
        name = await state.id()
        for end in (own_server.stop, own_server.kill):
            end()
            own_server.start()
            assert await state.id() == name

    database.run(work)


@pytest.mark.parametrize("commits", [True, False])
def test_a_writer_waits_for_another_ones_number_and_none_is_left_out(commits: bool) -> None:
    database = Database()

    async def work() -> None:
        first, second = database.state(), database.state()
        assert await first.append([TakenDown("a")]) == 1
        may_end, is_in = asyncio.Event(), asyncio.Event()

        async def wait(_connection: object, number: int) -> None:
            assert number == 2
            is_in.set()
            await may_end.wait()
            if not commits:
                raise BuildLockedError("it is not to be")

        holding = asyncio.create_task(append(first.connection, [TakenDown("b")], wait))
        await is_in.wait()
        blocked = asyncio.create_task(second.append([TakenDown("c")]))
        await asyncio.sleep(0.2)
        assert not blocked.done()
        # Nobody has read what is not committed.
        reader = database.state().reader()
        assert [frame.seq for frame in await reader.fresh()] == [1]
        may_end.set()
        if commits:
            assert await holding == 2
        else:
            with pytest.raises(BuildLockedError):
                await holding
        assert await blocked == (3 if commits else 2)
        assert [frame.seq for frame in await reader.fresh()] == ([2, 3] if commits else [2])
        assert await taken_down(first) == ({"a", "b", "c"} if commits else {"a", "c"})

    database.run(work)


def test_of_many_processes_none_takes_anothers_number() -> None:
    database = Database()
    context = multiprocessing.get_context("spawn")
    with context.Pool(3) as pool:
        numbers = pool.starmap(_append_some, [(database.url, name) for name in ("a", "b", "c")])
    assert sorted(number for some in numbers for number in some) == list(range(1, 61))
    for some in numbers:
        assert some == sorted(some)

    async def work() -> None:
        state = database.state()
        assert await state.end() == 60
        assert [frame.seq for frame in await state.reader().fresh()] == list(range(1, 61))
        assert len(await taken_down(state)) == 60

    database.run(work)


def _append_some(url: str, name: str) -> list[int]:
    async def work() -> list[int]:
        state = PostgresState(url, name)
        numbers = [await state.append([TakenDown(f"{name}-{number}")]) for number in range(20)]
        await state.close()
        return numbers

    return asyncio.run(work())


def test_what_the_database_refuses_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database()
    try_ = postgres_log._append
    tries: list[object] = []

    async def counted(*given: Any) -> int:
        tries.append(given)
        return await try_(*given)

    async def work() -> None:
        state = database.state()
        await state.append([TakenDown("a")])
        database.execute("ALTER TABLE nearfield.records RENAME TO elsewhere")
        with monkeypatch.context() as patch:
            patch.setattr(postgres_log, "_append", counted)
            with pytest.raises(StateRefusedError, match=r'refused: relation "nearfield\.records" does not exist'):
                await state.append([TakenDown("b")])
        assert len(tries) == 1
        database.execute("ALTER TABLE nearfield.elsewhere RENAME TO records")
        assert await state.append([TakenDown("b")]) == 2

    database.run(work)


def test_a_frame_with_rules_that_cannot_be_read_says_all_else_that_it_says() -> None:
    """A newer Nearfield accepted them: who cannot read them still hides what was taken down with or before them."""
    database = Database()

    async def work() -> None:
        state = database.state()
        reader = state.reader()
        await state.append([TakenDown("a"), RulesAccepted("0123456789abcdef", "[tomorrow]\nx = 1\n"), TakenDown("b")])
        (frame,) = await reader.fresh()
        assert [change.id for change in frame.changes if isinstance(change, TakenDown)] == ["a", "b"]
        with pytest.raises(DamagedError, match=r"the accepted rules 0123456789abcdef.*upgrade Nearfield on this host"):
            reader.fresh_rules()
        assert reader.fresh_rules() is None
        with pytest.raises(DamagedError, match="the accepted rules 0123456789abcdef"):
            await state.rules()
        database.execute("UPDATE nearfield.records SET body = '\\x00' WHERE key = 'rules'")
        with pytest.raises(DamagedError, match="the accepted rules cannot be read"):
            await state.rules()

    database.run(work)


def test_a_build_whose_lock_went_with_its_connection_does_not_go_live() -> None:
    database = Database()

    async def work() -> None:
        first, second = database.state("host-1"), database.state("host-2")
        async with first.build_lock():
            database.execute(
                "SELECT pg_terminate_backend(pid, 45000) FROM pg_locks WHERE locktype = 'advisory'"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
            await asyncio.sleep(0.1)
            async with second.build_lock():
                holder = await first.build_holder()
                assert holder is not None
                assert holder.startswith("host host-2, since ")
            with pytest.raises(BuildLockedError, match="another host has taken it"):
                await first.switch(Activation("2026-11-29T10:00:00.000+00:00", "activate", "r1", None))
        assert await second.live() is None
        assert await second.end() == 0

    database.run(work)


def test_a_connection_of_a_build_lock_that_cannot_be_made_is_said_as_any_other(own_server: PostgresServer) -> None:
    database = Database(own_server)

    async def work() -> None:
        state = database.state()
        await state.id()
        own_server.kill()
        try:
            with pytest.raises(StateError, match="cannot be reached"):
                async with state.build_lock():
                    pass
        finally:
            own_server.start()
        connection = StateConnection(database.url)
        async with connection.transaction() as open_:
            assert open_.info.dbname == database.name
        await connection.close()

    database.run(work)


def test_a_first_read_may_take_longer_than_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows that were ever put come at once: else a worker could never start."""
    database = Database()
    monkeypatch.setattr("indexing.state.postgres_log.STATEMENT_S", 0.3)

    async def work() -> None:
        state, reader = database.state(), database.state().reader()
        await state.append([TakenDown("a")])
        # As a slow network would: what is asked for is held back for a while.
        with psycopg.connect(database.url) as other:
            other.execute("LOCK TABLE nearfield.records")
            reading = asyncio.create_task(reader.fresh())
            await asyncio.sleep(0.6)
        assert [frame.seq for frame in await reading] == [1]
        with psycopg.connect(database.url) as other:
            other.execute("LOCK TABLE nearfield.records")
            with pytest.raises(StateError, match="does not answer"):
                await reader.fresh()

    database.run(work)
