"""A worker that keeps up by a lease: what it has applied, and when it may answer."""

import asyncio
import logging
from collections.abc import Iterator

import pytest

from indexing.errors import StateError
from indexing.state.contract import Activation
from indexing.state.records import Frame, Lifted, Removed, RulesAccepted, TakenDown, WentLive
from tests.indexing.state.clusters import primary_and_standby
from tests.indexing.state.leases import LEASE_S, Database, HandClock
from tests.postgres_server import PostgresServer, postgres_server
from tests.service.changes.following_worker import Following, everywhere, until


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


def test_what_is_acknowledged_is_applied_in_every_worker_and_release() -> None:
    database, clock = Database(), HandClock()

    async def work() -> None:
        state = database.state()
        await state.append([TakenDown("before")])
        async with Following(database, clock) as first, Following(database, clock, "w2") as second:
            assert first.held.hidden == second.held.hidden == {"before"}
            for number in range(2, 22):
                assert await state.append([TakenDown(f"a{number}")]) == number
                assert await state.unacknowledged(number, 45) == []
                assert f"a{number}" in await first.asked()
                assert f"a{number}" in await second.asked()

    database.run(work)


def test_one_that_does_not_keep_up_is_named_and_does_not_answer_once_its_lease_has_run_out() -> None:
    database, clock = Database(), HandClock()

    async def work() -> None:
        state = database.state()
        paused = Following(database, clock)
        await paused.follower.begin()
        number = await state.append([TakenDown("a")])
        assert await state.unacknowledged(number, 0.2) == ["host-1 (process of w1)"]
        assert await paused.asked() == set()
        clock.now += LEASE_S
        with pytest.raises(StateError, match="lease has run out"):
            await paused.asked()
        # Woken up, it reads before it answers.
        async with paused:
            assert await paused.asked() == {"a"}
            assert await state.unacknowledged(number, 0) == []

    database.run(work)


def test_an_answer_that_was_begun_by_another_lease_is_not_given() -> None:
    database, clock = Database(), HandClock()

    async def work() -> None:
        async with Following(database, clock) as one:
            await one.follower.arrive()
            assert one.follower.may_answer
            clock.now += LEASE_S
            assert not one.follower.may_answer
            await until(lambda: one.follower._lease.valid)
            # Whatever it has read so far was read while a takedown may have been acknowledged without it.
            assert not one.follower.may_answer
            await one.follower.arrive()
            assert one.follower.may_answer

    database.run(work)


@pytest.mark.parametrize("by_hand", ["DELETE FROM nearfield.workers", "UPDATE nearfield.workers SET applied = 99"])
def test_after_its_row_was_edited_it_takes_its_lease_anew(by_hand: str, caplog: pytest.LogCaptureFixture) -> None:
    database, clock = Database(), HandClock()

    async def work() -> None:
        state = database.state()
        async with Following(database, clock) as one:
            database.execute(by_hand)
            await state.append([TakenDown("a")])
            # Told of the frame, it finds out.
            await until(lambda: database.execute("SELECT applied FROM nearfield.workers") == [(1,)])
            assert await one.asked() == {"a"}

    with caplog.at_level(logging.WARNING):
        database.run(work)
    assert "the lease was lost, and is taken anew" in caplog.text


def test_rules_and_what_is_live_come_with_the_log() -> None:
    database, clock = Database(), HandClock()

    async def work() -> None:
        state = database.state()
        async with Following(database, clock) as one:
            version = await state.accept(b'[blocked]\nitems = ["x"]\n', "rules.toml", lambda _: None)
            await state.switch(Activation("2026-11-29T10:00:00.000+00:00", "activate", "r2", None))
            await everywhere(state, await state.end())
            assert one.held.rules == [version]
            assert one.held.live == ["r2"]
            assert await one.follower.live() == "r2"
            # Rules that cannot be read keep nothing else from being applied.
            await state.append([WentLive("r1"), RulesAccepted("0" * 16, "[tomorrow]\n"), TakenDown("a")])
            await everywhere(state, await state.end())
            assert await one.asked() == {"a"}
            assert one.held.live == ["r2", "r1"]
            assert one.held.rules == [version]
            assert ["the accepted rules 0000000000000000" in trouble for trouble in one.held.troubles] == [True]

    database.run(work)


def test_a_database_that_is_away_for_seconds_stops_no_query(own_server: PostgresServer) -> None:
    database, clock = Database(own_server), HandClock()

    async def work() -> None:
        state = database.state()
        async with Following(database, clock) as one:
            await everywhere(state, await state.append([TakenDown("a")]))
            own_server.kill()
            for _ in range(20):
                assert await one.asked() == {"a"}
                await asyncio.sleep(0.1)
            await asyncio.to_thread(own_server.start)
            number = await state.append([TakenDown("b")])
            await everywhere(state, number)
            assert await one.asked() == {"a", "b"}

    database.run(work)


def test_where_it_stays_away_the_lease_ends_and_its_return_ends_that(
    own_server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    database, clock = Database(own_server), HandClock()

    async def work() -> None:
        async with Following(database, clock) as one:
            own_server.kill()
            await until(lambda: "cannot keep up with the state" in caplog.text)
            assert await one.asked() == set()
            clock.now += LEASE_S
            with pytest.raises(StateError, match="lease has run out"):
                await one.asked()
            await asyncio.to_thread(own_server.start)
            await until(lambda: "the state's database answers again" in caplog.text)
            assert await one.asked() == set()

    with caplog.at_level(logging.INFO):
        database.run(work)
    # One line an incident, and one that it is over.
    told = [record.getMessage() for record in caplog.records if record.name == "nearfield.service"]
    assert len([line for line in told if line.startswith("cannot keep up with the state")]) == 1
    assert told.count("the state's database answers again") == 1


def test_after_a_failover_it_starts_over_with_fresh_rows(caplog: pytest.LogCaptureFixture) -> None:
    with primary_and_standby(is_synchronous=True) as (primary, standby):
        database, clock = Database(primary), HandClock()
        database.beside(standby)

        async def work() -> None:
            state = database.state()
            # A frame after a failover holds everywhere only once the longest lease has run out, by the real clock.
            async with Following(database, clock, lease_s=2.0) as one:
                for item_id in ("a", "b"):
                    await everywhere(state, await state.append([TakenDown(item_id)]))
                before = dict(one.held.releases)
                primary.kill()
                await asyncio.to_thread(standby.promote)
                database.server = standby
                number = await state.append([TakenDown("c")])
                assert number == 3
                # In force here at once, and nobody can say so for whoever has not come over.
                await until(lambda: one.held.hidden == {"a", "b", "c"})
                assert await state.unacknowledged(number, 0) != []
                await everywhere(state, number)
                assert await one.asked() == {"a", "b", "c"}
                for release, loaded in one.held.releases.items():
                    assert loaded is not before[release]

        with caplog.at_level(logging.WARNING):
            database.run(work)
        assert "the log is read from its beginning" in caplog.text


async def cut_while_it_sleeps(database: Database, one: Following) -> None:
    """A host that was forgotten: what its releases need goes from the log."""
    state = database.state("host-2")
    number = await state.append([Removed("a"), TakenDown("t")])
    await state.append([Removed("b")])
    await state.keep({"r3": number + 1})
    assert await one.asked() == set()


def test_a_release_that_the_log_was_cut_behind_is_not_held_any_more(caplog: pytest.LogCaptureFixture) -> None:
    database, clock = Database(), HandClock()

    async def work() -> None:
        await database.state().append([TakenDown("before")])
        await database.state().append([Lifted("before")])
        one = Following(database, clock)
        await one.follower.begin()
        # The other one was built later.
        one.held.releases["r2"].release.manifest.journal_seq = 4
        await cut_while_it_sleeps(database, one)
        async with asyncio.timeout(50), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(one.follower.run())
            await until(lambda: list(one.held.releases) == ["r2"])
            await until(lambda: one.held.releases["r2"].rows.taken_down == {"t"})
            running.cancel()
        await one.follower.arrive()

    with caplog.at_level(logging.ERROR):
        database.run(work)
    assert "release r1 is not held any more: Release r1 was built when the log had reached 0" in caplog.text
    assert "this one was cut at 4" in caplog.text


def test_one_whose_live_release_the_log_was_cut_behind_answers_nothing_and_is_waited_for_by_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What was removed since would be shown again."""
    database, clock = Database(), HandClock()

    async def work() -> None:
        await database.state().append([TakenDown("before")])
        await database.state().append([Lifted("before")])
        one = Following(database, clock)
        await one.follower.begin()
        await cut_while_it_sleeps(database, one)
        async with asyncio.timeout(50), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(one.follower.run())
            await until(lambda: "Release r2 was built when the log had reached 0" in caplog.text)
            for _ in range(20):
                with pytest.raises(StateError, match="lease has run out"):
                    await one.asked()
                await asyncio.sleep(0.05)
            running.cancel()
        state = database.state("host-2")
        assert await state.unacknowledged(await state.append([TakenDown("u")]), 0) == []

    with caplog.at_level(logging.ERROR):
        database.run(work)


def test_a_schema_that_was_made_anew_is_not_taken_for_a_log_without_takedowns(
    caplog: pytest.LogCaptureFixture,
) -> None:
    database, clock = Database(), HandClock()

    async def work() -> None:
        state = database.state()
        async with Following(database, clock) as one:
            await everywhere(state, await state.append([TakenDown("a")]))
            database.execute("ALTER SCHEMA nearfield RENAME TO moved_away")
            # Somebody else starts there, and finds none: theirs is a new one.
            other = database.state("host-2")
            assert await other.end() == 0
            await other.append([TakenDown("z")])
            await until(lambda: "cannot keep up with the state" in caplog.text)
            assert await one.asked() == {"a"}
            clock.now += LEASE_S
            with pytest.raises(StateError, match="lease has run out"):
                await one.asked()
            database.execute("ALTER SCHEMA nearfield RENAME TO another")
            database.execute("ALTER SCHEMA moved_away RENAME TO nearfield")
            await until(lambda: one.follower._lease.valid)
            assert await one.asked() == {"a"}

    database.run(work)


def test_what_could_not_be_applied_is_not_told_as_applied_and_is_read_anew(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever goes wrong half way: nobody may take a takedown for one that holds here, and no later one is missed."""
    database, clock = Database(), HandClock()

    async def work() -> None:
        state = database.state()
        async with Following(database, clock) as one:
            await one.asked()
            failing = one.held.releases["r2"].rows

            def fail(frame: Frame) -> None:
                raise RuntimeError(f"no room for a row of frame {frame.seq}")

            failing.apply = fail  # type: ignore[method-assign]
            # The lease is due, and would say how far the log was read.
            clock.now += 200.0
            number = await state.append([TakenDown("a")])
            await until(lambda: f"no room for a row of frame {number}" in caplog.text)
            assert await state.unacknowledged(number, 45) == []
            assert await one.asked() == {"a"}
            assert await state.unacknowledged(await state.append([TakenDown("b")]), 45) == []
            assert await one.asked() == {"a", "b"}

    database.run(work)
