"""When a change holds everywhere, by the clock of whoever waits for it."""

from typing import Any

import pytest
from msgspec.structs import replace

from embedding.rows.schema import Chapter, Item
from indexing.errors import StateError
from indexing.state import record_kinds
from indexing.state.record_kinds import RecordKind
from indexing.state.records import Put, TakenDown
from tests.indexing.state.leases import LEASE_S, Database, HandClock, hold, worker

WAITING = ["host-1 (process of w1)"]


def test_it_waits_for_whoever_has_not_applied_it_and_for_nobody_else() -> None:
    database, clock = Database(), HandClock()

    async def work() -> None:
        state = database.state()
        first, second = (database.lease(clock, worker(name)) for name in ("w1", "w2"))
        await hold(first)
        await hold(second)
        number = await state.append([TakenDown("a")])
        acknowledgement = database.acknowledgement(clock)
        assert await acknowledgement.look(number) == [*WAITING, "host-1 (process of w2)"]
        assert await second.renew(number)
        assert await acknowledgement.look(number) == WAITING
        assert await first.renew(number)
        assert await acknowledgement.look(number) == []
        # A later one has not been applied by anybody.
        assert len(await acknowledgement.look(await state.append([TakenDown("b")]))) == 2

    database.run(work)


def test_it_waits_as_long_as_it_is_told() -> None:
    database = Database()

    async def work() -> None:
        state = database.state()
        lease = database.lease(HandClock())
        await hold(lease)
        number = await state.append([TakenDown("a")])
        assert await state.unacknowledged(number, 0.3) == WAITING
        assert await lease.renew(number)
        assert await state.unacknowledged(number, 0.3) == []

    database.run(work)


def test_a_lease_has_run_out_once_it_was_seen_unrenewed_for_its_length_and_a_tenth() -> None:
    database, workers_clock, clock = Database(), HandClock(), HandClock()
    # No two machines' clocks agree, and none needs to.
    clock.now = 5.0

    async def work() -> None:
        state, lease = database.state(), database.lease(workers_clock)
        await hold(lease)
        number = await state.append([TakenDown("a")])
        acknowledgement = database.acknowledgement(clock)
        assert await acknowledgement.look(number) == WAITING
        clock.now += LEASE_S * 1.1 - 1
        assert await acknowledgement.look(number) == WAITING
        # It renews without having applied it: that begins anew.
        assert await lease.renew(number - 1)
        clock.now += 2
        assert await acknowledgement.look(number) == WAITING
        clock.now += LEASE_S * 1.1
        assert await acknowledgement.look(number) == WAITING
        clock.now += 0.01
        assert await acknowledgement.look(number) == []
        assert database.execute("SELECT id FROM nearfield.workers") == []
        # The worker comes back: it finds its lease lost, whatever its own clock says, and rejoins.
        assert lease.valid
        assert not await lease.renew(number)
        assert not lease.valid
        await hold(lease, number)
        assert lease.valid
        assert await acknowledgement.look(number) == []

    database.run(work)


def test_what_was_seen_of_a_lease_is_not_forgotten_over_another_change() -> None:
    """Somebody who asks again and again after an earlier change does not make a later one wait for ever."""
    database, clock = Database(), HandClock()

    async def work() -> None:
        state, lease = database.state(), database.lease(clock)
        early = await state.append([TakenDown("a")])
        await hold(lease, early)
        late = await state.append([TakenDown("b")])
        acknowledgement = database.acknowledgement(clock)
        assert await acknowledgement.look(late) == WAITING
        clock.now += LEASE_S
        assert await acknowledgement.look(early) == []
        clock.now += LEASE_S * 0.1 + 1
        assert await acknowledgement.look(late) == []

    database.run(work)


def test_whoever_begins_to_wait_has_seen_nothing_yet() -> None:
    """One process that waited long says nothing to another one, whose clock has only begun."""
    database, clock = Database(), HandClock()

    async def work() -> None:
        state, lease = database.state(), database.lease(clock)
        await hold(lease)
        number = await state.append([TakenDown("a")])
        waited_long = database.acknowledgement(clock)
        assert await waited_long.look(number) == WAITING
        clock.now += LEASE_S * 2
        assert await database.acknowledgement(clock).look(number) == WAITING
        assert await waited_long.look(number) == []

    database.run(work)


def test_a_change_that_an_older_worker_cannot_read_is_refused_and_the_hosts_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    database = Database()

    async def work() -> None:
        state = database.state()
        leases = [database.lease(HandClock(), worker(f"w{host}", host)) for host in ("old-b", "old-a", "new")]
        for lease in leases:
            await hold(lease)
        database.execute("UPDATE nearfield.workers SET reads = 99 WHERE host = 'new'")
        monkeypatch.setitem(record_kinds._KINDS, TakenDown, RecordKind("takedown", reads=99))
        with pytest.raises(StateError, match=r"cannot be read by .* on old-a, old-b\. Upgrade there first") as refused:
            await state.append([TakenDown("a")])
        assert "Nothing was changed" in str(refused.value)
        assert await state.end() == 0
        assert database.execute("SELECT * FROM nearfield.records") == []
        # Once they are gone it is written.
        database.execute("DELETE FROM nearfield.workers WHERE host <> 'new'")
        assert await state.append([TakenDown("a")]) == 1

    database.run(work)


@pytest.mark.parametrize("finer", [{"published_fraction_us": 5}, {"chapters": (Chapter(0.0, "Start"),)}])
def test_a_row_with_what_an_older_worker_does_not_know_waits_for_its_upgrade_and_others_do_not(
    finer: dict[str, Any],
) -> None:
    database = Database()
    plain = Item(id="a", kind="track", title="t", creator="c", published_at=1)

    async def work() -> None:
        state = database.state()
        await hold(database.lease(HandClock(), worker("w", "old")))
        database.execute("UPDATE nearfield.workers SET reads = 1")
        assert await state.append([Put(plain, {}, {})]) == 1
        with pytest.raises(StateError, match=r"cannot be read by .* on old\. Upgrade there first"):
            await state.append([Put(replace(plain, **finer), {}, {})])
        database.execute("UPDATE nearfield.workers SET reads = 2")
        assert await state.append([Put(replace(plain, **finer), {}, {})]) == 2

    database.run(work)
