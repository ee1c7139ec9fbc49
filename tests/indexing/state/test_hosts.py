"""What hosts say of themselves: what they keep, what they have loaded, and what is cut for it."""

import asyncio
import time
from pathlib import Path

import pytest

from embedding.errors import UsageError
from indexing.errors import StartOverError
from indexing.journal.takedowns import lift, take_down, taken_down
from indexing.state.contract import Activation, Pointer
from indexing.state.postgres import PostgresState
from indexing.state.postgres_hosts import forget
from indexing.state.records import Put, Removed
from tests.indexing.state.contract import row
from tests.indexing.state.leases import Database, HandClock, hold, worker


class Fleet:
    """Hosts `a` and `b` that serve, each with one worker; `c` has a supervisor and no worker."""

    def __init__(self) -> None:
        self.database = Database()
        self.clock = HandClock()

    async def begin(self, folder: Path) -> dict[str, PostgresState]:
        hosts = {name: self.database.state(name) for name in "abc"}
        for name, state in hosts.items():
            await state.serving(folder / name)
            if name != "c":
                await hold(self.database.lease(self.clock, worker(f"w-{name}", name)))
        return hosts


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


def test_a_release_is_loaded_by_all_who_serve_before_it_goes_live(fleet: Fleet, tmp_path: Path) -> None:
    async def work() -> None:
        hosts = await fleet.begin(tmp_path)
        command = fleet.database.state("d")
        assert await command.prepare("r1", 0) == ["a", "b"]
        assert await hosts["b"].pointer() == Pointer(None, "r1")
        await hosts["a"].report("r1", ())
        assert await command.prepare("r1", 0) == ["b"]
        assert await command.prepare("r1", 0, without=["b"]) == []
        # What it had loaded before is no longer it.
        await hosts["a"].report("r0", ())
        assert await command.prepare("r1", 0, without=["b"]) == ["a"]
        await hosts["a"].report("r1", ())

        async def late() -> None:
            await asyncio.sleep(0.3)
            await hosts["b"].report("r1", ())

        loading = asyncio.create_task(late())
        begun = time.monotonic()
        # Longer than `database.run` lets it.
        assert await command.prepare("r1", 600) == []
        assert time.monotonic() - begun > 0.2
        await loading
        await command.switch(Activation("2026-11-29T10:00:00.000+00:00", "activate", "r1", None))
        assert await hosts["a"].pointer() == Pointer("r1")

    fleet.database.run(work)


def test_those_who_do_not_come_are_waited_for_as_long_as_is_said_and_no_longer(fleet: Fleet, tmp_path: Path) -> None:
    async def work() -> None:
        hosts = await fleet.begin(tmp_path)
        await hosts["a"].report("r1", ())
        begun = time.monotonic()
        assert await hosts["a"].prepare("r1", 0.4) == ["b"]
        # And no longer: the lease would be ten minutes, and `database.run` lets nothing run so long.
        assert time.monotonic() - begun >= 0.4
        await hosts["a"].withdraw()
        assert await hosts["b"].pointer() == Pointer(None)

    fleet.database.run(work)


def test_a_host_that_does_not_serve_is_waited_for_by_nobody(fleet: Fleet, tmp_path: Path) -> None:
    async def work() -> None:
        hosts = await fleet.begin(tmp_path)
        # Its worker is over.
        await hosts["a"].report(None, ["w-a"])
        assert await hosts["c"].prepare("r1", 0) == ["b"]
        # It was stopped.
        await hosts["b"].served()
        assert await hosts["c"].prepare("r1", 0) == []
        await hosts["b"].serving(tmp_path / "b")
        assert await hosts["c"].prepare("r1", 0) == ["b"]

    fleet.database.run(work)


def test_a_host_that_is_forgotten_is_waited_for_no_more_and_may_come_back(fleet: Fleet, tmp_path: Path) -> None:
    async def work() -> None:
        hosts = await fleet.begin(tmp_path)
        number = await take_down(hosts["a"], ["x"])
        assert await hosts["a"].unacknowledged(number, 0) == ["a (process of w-a)", "b (process of w-b)"]
        await hosts["b"].keep({"r9": 1})
        assert await forget(hosts["a"].connection, "b")
        assert await hosts["a"].unacknowledged(number, 0) == ["a (process of w-a)"]
        assert await hosts["a"].kept_elsewhere() == set()
        assert await hosts["a"].prepare("r1", 0) == ["a"]
        assert not await forget(hosts["a"].connection, "b")
        assert not await forget(hosts["a"].connection, "never-heard-of")
        # It was alive after all, and says so of itself.
        await hold(fleet.database.lease(fleet.clock, worker("w-b", "b")))
        assert await hosts["b"].report("r0", ())
        assert await hosts["a"].prepare("r1", 0) == ["a", "b"]
        # Once it has said what it keeps, that is known.
        for loaded in ("r0", "r0", "r1"):
            assert not await hosts["b"].report(loaded, ())

    fleet.database.run(work)


def test_two_hosts_of_one_name_are_told_apart_by_their_folders(fleet: Fleet, tmp_path: Path) -> None:
    async def work() -> None:
        hosts = await fleet.begin(tmp_path)
        twin = fleet.database.state("a")
        with pytest.raises(
            UsageError, match=f"called 'a', with its data in {tmp_path / 'a'}. .* its own host_name"
        ) as told:
            await twin.serving(tmp_path / "elsewhere")
        # What is left of one that died is got rid of by this.
        assert "nearfield state forget a" in str(told.value)
        # The same one, started again.
        await twin.serving(tmp_path / "a")
        await hosts["a"].served()
        await twin.serving(tmp_path / "elsewhere")

    fleet.database.run(work)


def test_what_others_keep_is_theirs(fleet: Fleet) -> None:
    async def work() -> None:
        first, second = fleet.database.state("a"), fleet.database.state("b")
        await first.keep({"r1": 0, "r2": 0})
        await second.keep({"r2": 0, "r3": 0})
        assert await first.kept_elsewhere() == {"r2", "r3"}
        assert await second.kept_elsewhere() == {"r1", "r2"}
        await second.keep({})
        assert await first.kept_elsewhere() == set()

    fleet.database.run(work)


def test_the_release_store_keeps_as_a_host_does_and_is_not_forgotten_like_one(fleet: Fleet) -> None:
    async def work() -> None:
        first, second = fleet.database.state("a"), fleet.database.state("b")
        await first.append([row("old")])
        await first.keep({"r1": 0}, stored=True)
        await first.keep({"r2": 1})
        assert await second.kept_elsewhere() == {"r1", "r2"}
        assert await second.kept_elsewhere(stored=False) == {"r2"}
        assert not await forget(first.connection, "")
        assert await second.kept_elsewhere() == {"r1", "r2"}
        assert await first.begins() == 0
        await first.keep({}, stored=True)
        assert await first.begins() == 1

    fleet.database.run(work)


def test_the_log_is_cut_behind_the_oldest_release_that_anybody_keeps(fleet: Fleet) -> None:
    async def work() -> None:
        first, second = fleet.database.state("a"), fleet.database.state("b")
        await first.append([row("old"), row("kept")])
        await take_down(first, ["t", "u"])
        await lift(first, ["u"])
        await first.append([Removed("gone")])
        await first.append([row("kept")])
        behind, along = first.reader(), first.reader()
        await along.fresh()
        await second.keep({"r1": 2})
        await first.keep({"r2": 4})
        # Up to what the other one needs.
        assert await first.begins() == 2
        assert await rows_of(first) == ["gone", "kept"]
        await second.keep({"r2": 4})
        assert await first.begins() == 4
        assert await rows_of(first) == ["kept"]
        assert await taken_down(first) == {"t"}
        # It never goes back.
        await second.keep({"r1": 1})
        assert await first.begins() == 4
        # Who has read all goes on; who had read less begins anew, also where that was not before the first number.
        assert list(await along.fresh()) == []
        assert [frame.seq for frame in await behind.fresh()][-1] == 5
        number = await take_down(second, ["v"])
        assert [frame.seq for frame in await along.fresh()] == [number]

    fleet.database.run(work)


def test_a_reader_from_before_the_cut_begins_anew(fleet: Fleet) -> None:
    """It may show what was lifted: of that the log says nothing any more."""

    async def work() -> None:
        state = fleet.database.state("a")
        await take_down(state, ["t"])
        slow = state.reader()
        await slow.fresh()
        await lift(state, ["t"])
        await take_down(state, ["u"])
        await state.keep({"r1": 3})
        with pytest.raises(StartOverError, match="was cut at 3, 1 was read"):
            await slow.fresh()
        assert await taken_down(state) == {"u"}

    fleet.database.run(work)


def test_what_a_fresh_reader_reads_grows_with_rows_and_not_with_changes(fleet: Fleet) -> None:
    async def work() -> None:
        state = fleet.database.state("a")
        await state.append([row(f"row-{number}", "first") for number in range(200)])
        # As appends leave it, without twenty thousand round trips: each row put a hundred times over.
        for title in ("second", "third"):
            for start in range(0, 200, 50):
                await state.append([row(f"row-{number}", title) for number in range(start, start + 50)])
        fleet.database.execute("UPDATE nearfield.state SET number = number + 20000")
        await state.append([row("row-7", "last")])
        frames = await state.reader().fresh()
        puts = [change for frame in frames for change in frame.changes if isinstance(change, Put)]
        assert len(puts) == 200
        assert {put.item.title for put in puts} == {"third", "last"}
        assert frames[-1].seq == await state.end() == 20010

    fleet.database.run(work)


async def rows_of(state: PostgresState) -> list[str]:
    found = []
    for frame in await state.reader().fresh():
        for change in frame.changes:
            if isinstance(change, Put):
                found.append(change.item.id)
            elif isinstance(change, Removed):
                found.append(change.id)
    return sorted(found)
