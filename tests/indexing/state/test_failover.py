"""A standby takes over: nothing that was acknowledged is gone, and nothing is sure before old leases have run out."""

import logging
from pathlib import Path

import pytest

from indexing.errors import StartOverError
from indexing.journal.takedowns import taken_down
from indexing.state.postgres_connection import StateConnection, warn_of_lossy_standbys
from indexing.state.records import TakenDown
from tests.indexing.state.clusters import primary_and_standby
from tests.indexing.state.leases import Database, HandClock, hold, worker
from tests.postgres_server import PostgresServer


def take_over(primary: PostgresServer, standby: PostgresServer, database: Database) -> None:
    """The primary's machine is gone, and somebody promotes the standby."""
    primary.kill()
    standby.promote()
    database.server = standby


def test_a_standby_that_was_waited_for_has_all_that_was_acknowledged() -> None:
    with primary_and_standby(is_synchronous=True) as (primary, standby):
        database = Database(primary)
        database.beside(standby)

        async def work() -> None:
            state, clock = database.state(), HandClock()
            lease = database.lease(clock, worker(lease_s=2.0))
            reader, acknowledgement = state.reader(), database.acknowledgement(clock)
            for number in range(1, 6):
                assert await state.append([TakenDown(f"a{number}")]) == number
            await hold(lease, 5)
            await reader.fresh()
            assert await acknowledgement.look(5) == []
            before = state.connection.position
            take_over(primary, standby, database)

            with pytest.raises(StartOverError, match="what was read was of"):
                await reader.fresh()
            after = state.connection.position
            assert after.partition("/")[0] == before.partition("/")[0]
            assert after > before
            assert await taken_down(state) == {f"a{number}" for number in range(1, 6)}
            # The lease is of a timeline that is over.
            assert not await lease.renew(5)
            await hold(lease, 5)

            # Another one, of a worker that has not heard of it, may not have come over: nobody knows.
            assert await state.append([TakenDown("late")]) == 6
            assert await lease.renew(6)
            (told,) = await acknowledgement.look(6)
            assert told == f"leases of the database's timeline before {after}"
            clock.now += 2.0 * 1.1 - 0.01
            assert await acknowledgement.look(6) == [told]
            # Whoever begins to wait only now has seen nothing run out.
            later = database.acknowledgement(clock)
            assert await later.look(6) == [told]
            clock.now += 0.02
            assert await acknowledgement.look(6) == []
            assert database.one("SELECT settled FROM nearfield.state") == after
            # What one has found holds for all.
            assert await later.look(6) == []

        database.run(work)


def test_the_lease_of_a_worker_that_did_not_come_over_is_waited_for() -> None:
    with primary_and_standby(is_synchronous=True) as (primary, standby):
        database = Database(primary)
        database.beside(standby)

        async def work() -> None:
            state, clock = database.state(), HandClock()
            gone = database.lease(clock, worker("gone", "host-2", lease_s=2.0))
            await hold(gone)
            number = await state.append([TakenDown("a")])
            acknowledgement = database.acknowledgement(clock)
            take_over(primary, standby, database)
            waiting = await acknowledgement.look(number)
            assert waiting[-1] == "host-2 (process of gone)"
            clock.now += 3
            assert await acknowledgement.look(number) == []
            assert database.execute("SELECT id FROM nearfield.workers") == []

        database.run(work)


@pytest.mark.parametrize("is_synchronous", [False, True])
def test_what_can_be_lost_is_said_at_start_where_no_standby_is_waited_for(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, is_synchronous: bool
) -> None:
    with primary_and_standby(is_synchronous=is_synchronous) as (primary, _):
        database = Database(primary)

        async def work() -> None:
            state = database.state()
            await state.serving(tmp_path)
            # Nor is somebody warned who may not see how each standby streams.
            database.execute("CREATE ROLE ops LOGIN; GRANT ALL ON SCHEMA nearfield TO ops")
            database.execute("GRANT ALL ON ALL TABLES IN SCHEMA nearfield TO ops")
            connection = StateConnection(database.url.replace("postgres@", "ops@"))
            await warn_of_lossy_standbys(connection)
            await connection.close()

        with caplog.at_level(logging.WARNING):
            database.run(work)
        warnings = [record.getMessage() for record in caplog.records if "has standbys" in record.getMessage()]
        assert len(warnings) == (0 if is_synchronous else 2)
        for warning in warnings:
            assert "waits for none of them (synchronous_standby_names)" in warning
            assert "changes that were acknowledged last can be lost, takedowns among them" in warning
