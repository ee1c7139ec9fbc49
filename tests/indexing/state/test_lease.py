"""A lease: whether a worker may answer, and what others may know of it."""

import asyncio

import psycopg
import pytest

from indexing.errors import StateError
from indexing.state import postgres_connection
from indexing.state.record_kinds import READS
from indexing.state.records import TakenDown
from tests.indexing.state.leases import LEASE_S, Database, HandClock, hold, statements_untold, worker
from tests.postgres_server import postgres_server


def test_it_is_valid_only_once_all_was_read_and_for_its_length_from_before_it_was_asked_for() -> None:
    database, clock = Database(), HandClock()

    async def work() -> None:
        lease = database.lease(clock)
        assert not lease.valid
        sent_at = await lease.take()
        assert sent_at == 1000.0
        # Others wait for it, and it may not answer yet.
        assert database.execute("SELECT id, host, applied, lease_s FROM nearfield.workers") == [
            ("w1", "host-1", 0, LEASE_S)
        ]
        assert not lease.valid
        clock.now += 50
        lease.hold_since(sent_at)
        assert lease.valid
        clock.now = 1000 + LEASE_S - 0.001
        assert lease.valid
        clock.now = 1000 + LEASE_S
        assert not lease.valid

    database.run(work)


def test_a_renewal_counts_from_before_it_was_sent_however_slow_the_database_is() -> None:
    database, clock = Database(), HandClock()

    async def work() -> None:
        lease = database.lease(clock)
        await hold(lease)
        clock.now = 1100.0
        with psycopg.connect(database.url) as other:
            other.execute("SELECT FROM nearfield.workers FOR UPDATE")
            renewing = asyncio.create_task(lease.renew(0))
            await asyncio.sleep(0.2)
            assert not renewing.done()
            clock.now = 1500.0
            # Not committed: it goes on by what it had, and that alone.
            assert lease.valid
            clock.now = 1000 + LEASE_S
            assert not lease.valid
            clock.now = 1650.0
        assert await renewing
        assert lease.valid
        clock.now = 1100 + LEASE_S
        assert not lease.valid

    database.run(work)


@pytest.mark.parametrize("by_hand", ["lease_s = 0", "lease_s = 'NaN'", "reads = 0"])
def test_what_was_changed_by_hand_is_put_right_by_the_next_renewal(by_hand: str) -> None:
    database, clock = Database(), HandClock()

    async def work() -> None:
        lease = database.lease(clock)
        await hold(lease)
        database.execute(f"UPDATE nearfield.workers SET {by_hand}")
        assert await lease.renew(0)
        assert database.execute("SELECT lease_s, reads FROM nearfield.workers") == [(LEASE_S, READS)]

    database.run(work)


def test_a_frame_that_was_told_while_it_was_busy_is_heard_at_once() -> None:
    database, clock = Database(), HandClock()

    async def work() -> None:
        lease = database.lease(clock)
        await hold(lease)
        # Begins to listen.
        await lease.heard(5)
        await database.state().append([TakenDown("a")])
        await asyncio.sleep(0.1)
        # Longer than `database.run` lets it.
        await lease.heard(600)
        # Once, and no more.
        begun = asyncio.get_running_loop().time()
        await lease.heard(0.3)
        assert asyncio.get_running_loop().time() - begun >= 0.3

    database.run(work)


def test_a_database_that_hangs_is_not_listened_to_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    cut_off_after = postgres_connection._cut_off_after
    # Not after the ten seconds of a statement: they would be spent in waiting.
    monkeypatch.setattr(postgres_connection, "_cut_off_after", lambda connection, _: cut_off_after(connection, 1.0))
    with postgres_server() as server:
        database, clock = Database(server), HandClock()

        async def work() -> None:
            lease = database.lease(clock)
            await hold(lease)
            with server.hanging(), pytest.raises(StateError, match="no answer within 1 s"):
                await lease.heard(1)

        database.run(work)


def test_a_renewal_that_was_not_committed_does_not_count() -> None:
    database, clock = Database(), HandClock()

    async def work() -> None:
        lease = database.lease(clock)
        await hold(lease)
        clock.now = 1300.0
        with psycopg.connect(database.url) as other:
            other.execute("SELECT FROM nearfield.workers FOR UPDATE")
            renewing = asyncio.create_task(lease.renew(7))
            await asyncio.sleep(0.2)
            (killed,) = database.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'nearfield'"
                " AND datname = current_database()"
            )
            assert killed == (1,)
            with pytest.raises(StateError, match="does not answer"):
                await renewing
        assert database.one("SELECT applied FROM nearfield.workers") == 0
        assert lease.valid
        clock.now = 1000 + LEASE_S
        assert not lease.valid
        # What was not committed changed nothing of what it says next.
        assert await lease.renew(7)
        assert database.one("SELECT applied FROM nearfield.workers") == 7
        assert lease.valid

    database.run(work)


def test_one_whose_commit_was_not_told_does_not_count_and_is_no_lost_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    database, clock = Database(), HandClock()

    async def work() -> None:
        lease = database.lease(clock)
        await hold(lease)
        clock.now = 1300.0
        with monkeypatch.context() as patch:
            broken = statements_untold(patch)
            with pytest.raises(StateError, match="does not answer"):
                await lease.renew(7)
            assert broken == ["untold"]
        assert database.one("SELECT applied FROM nearfield.workers") == 7
        assert lease.valid
        assert lease._valid_until == 1000 + LEASE_S
        # No query fails over it: what the row says is one of two things that it may say.
        assert await lease.renew(8)
        assert lease.valid
        assert database.one("SELECT applied FROM nearfield.workers") == 8
        # Nothing else may be there.
        database.execute("UPDATE nearfield.workers SET applied = 7")
        assert not await lease.renew(9)

    database.run(work)


@pytest.mark.parametrize(
    "by_hand",
    [
        "DELETE FROM nearfield.workers",
        "UPDATE nearfield.workers SET applied = 99",
        "UPDATE nearfield.workers SET position = '1/00000001'",
    ],
)
def test_a_row_that_was_edited_by_hand_is_a_lease_that_is_lost(by_hand: str) -> None:
    database, clock = Database(), HandClock()

    async def work() -> None:
        lease = database.lease(clock)
        await hold(lease)
        database.execute(by_hand)
        assert not await lease.renew(0)
        assert not lease.valid
        # It says 0 until all was read, and is waited for meanwhile.
        sent_at = await lease.take()
        assert not lease.valid
        assert database.one("SELECT applied FROM nearfield.workers") == 0
        lease.hold_since(sent_at)
        assert await lease.renew(3)
        assert lease.valid

    database.run(work)


def test_one_that_was_given_back_is_waited_for_no_more() -> None:
    database, clock = Database(), HandClock()

    async def work() -> None:
        first, second = (database.lease(clock, worker(name)) for name in ("w1", "w2"))
        await hold(first)
        await hold(second)
        await first.give_back()
        assert not first.valid
        assert second.valid
        assert database.execute("SELECT id FROM nearfield.workers") == [("w2",)]

    database.run(work)


def test_of_two_workers_each_goes_by_its_own_row() -> None:
    database, clock = Database(), HandClock()

    async def work() -> None:
        first, second = (database.lease(clock, worker(name)) for name in ("w1", "w2"))
        await hold(first, 1)
        clock.now += 400
        await hold(second, 2)
        assert database.execute("SELECT id, applied FROM nearfield.workers ORDER BY id") == [("w1", 1), ("w2", 2)]
        clock.now = 1000 + LEASE_S
        assert (first.valid, second.valid) == (False, True)

    database.run(work)


def test_it_is_due_once_in_ten_seconds_and_four_times_in_a_short_one() -> None:
    database, clock = Database(), HandClock()

    async def work() -> None:
        for lease_s, rest_s in ((600.0, 10.0), (2.0, 0.5)):
            lease = database.lease(clock, worker(lease_s=lease_s))
            await hold(lease)
            clock.now += rest_s - 0.01
            assert not lease.is_due
            clock.now += 0.02
            assert lease.is_due

    database.run(work)


def test_it_hears_of_a_frame_at_once_and_else_waits() -> None:
    database, clock = Database(), HandClock()

    async def work() -> None:
        lease, state = database.lease(clock), database.state("other")
        loop = asyncio.get_running_loop()
        # The first call begins to listen: what came before is read by whoever looks now.
        await lease.heard(5)
        begun = loop.time()
        await lease.heard(0.3)
        assert loop.time() - begun >= 0.3
        # Longer than `database.run` lets it.
        hearing = asyncio.create_task(lease.heard(600))
        await asyncio.sleep(0.1)
        assert not hearing.done()
        await state.append([TakenDown("a")])
        await hearing

    database.run(work)
