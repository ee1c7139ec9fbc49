"""A state moved from one place to another: all of it, once."""

import asyncio
import re
from pathlib import Path
from typing import Literal

import msgspec
import pytest

from embedding.errors import BusyError, UsageError
from indexing.errors import StateError, StateRefusedError
from indexing.journal.takedowns import take_down, taken_down
from indexing.rules.reading import DEFAULT_RULES, anything
from indexing.settings import IndexingSettings
from indexing.state.files import FilesState
from indexing.state.open_places import move_from
from indexing.state.records import Lifted, TakenDown, WentLive
from tests.indexing.state.contract import FIRST, SECOND
from tests.indexing.state.leases import HandClock, hold
from tests.indexing.state.moved_states import OTHER_RULES, RULES, Places, fill, old_frames, said


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "data")


def test_there_and_back_nothing_differs(places: Places) -> None:
    async def work() -> None:
        await fill(places.files())
        before = await said(places.files())
        assert before["live"] == "r0"
        assert before["ids"] == {"b": (2, TakenDown("b", "ops", "a claim")), "c": (3, Lifted("c"))}
        moved = await move_from("files", places.settings)
        assert (moved.id, moved.end, moved.live) == (before["id"], 5, "r0")
        state = places.database.state()
        assert await said(state) == before

        # What is done there comes back too, and the numbers go on.
        number = await state.end() + 1
        assert await take_down(state, ["z"]) == number
        await state.accept(OTHER_RULES, "rules.toml", anything)
        await state.switch(FIRST)
        end, changed = await state.end(), await said(state)
        assert (await move_from("database", places.settings)).end == end
        files = places.files()
        assert await said(files) == changed
        assert await files.end() == end
        assert await take_down(files, ["later"]) == end + 1

        # And once more: what was done on files since then, rules and switches too.
        await files.accept(RULES, "rules.toml", anything)
        await files.switch(SECOND)
        last = await said(files)
        await move_from("files", places.settings)
        again = places.database.state()
        assert await said(again) == last
        assert [c.release for f in await again.reader().fresh() for c in f.changes if isinstance(c, WentLive)] == ["r0"]

    places.database.run(work)


def test_where_a_log_was_cut_goes_with_it(places: Places) -> None:
    """A release from before that shows too little, wherever the log lies."""

    async def work() -> None:
        state = places.database.state()
        await fill(state)
        await state.keep({"r1": 3})
        end = await state.end()
        await move_from("database", places.settings)
        files = places.files()
        assert await files.begins() == 3
        await move_from("files", places.settings)
        again = places.database.state()
        assert await again.begins() == 3
        assert await again.end() == end

    places.database.run(work)


def test_rules_that_were_never_accepted_are_not_those_that_lay_there(places: Places) -> None:
    async def work() -> None:
        await FilesState(places.folder).accept(RULES, "rules.toml", anything)
        state = places.database.state()
        await take_down(state, ["a"])
        await move_from("database", places.settings)
        assert await places.files().rules() == DEFAULT_RULES

    places.database.run(work)


@pytest.mark.parametrize("source", ["files", "database"])
def test_what_was_moved_is_not_moved_twice_nor_used(places: Places, source: Literal["files", "database"]) -> None:
    async def work() -> None:
        other: Literal["files", "database"] = "database" if source == "files" else "files"
        running = places.files() if source == "files" else places.database.state()
        await fill(running)
        await running.append([TakenDown("last")])
        reader = running.reader()
        await reader.fresh()
        await move_from(source, places.settings)
        with pytest.raises(StateError, match="was moved"):
            await move_from(source, places.settings)
        # Whoever is there still, and whoever comes, is told where it is.
        for _ in range(2):
            with pytest.raises(StateError, match="was moved"):
                await running.append([TakenDown("too late")])
        if source == "files":
            with pytest.raises(
                StateError, match=re.escape(f"moved to the database host={places.database.server.folder}")
            ):
                places.files()
            with pytest.raises(StateError, match="was moved"):
                await reader.fresh()
        else:
            with pytest.raises(StateError, match=re.escape(f"to {places.folder}: leave state_url out")):
                await places.database.state().end()
            with pytest.raises(StateError, match="was moved"):
                await places.database.lease(HandClock()).take()
        await move_from(other, places.settings)
        back = places.files() if source == "files" else places.database.state()
        assert await taken_down(back) == {"b", "last"}

    places.database.run(work)


def test_a_worker_of_a_database_that_was_moved_away_answers_no_more(places: Places) -> None:
    async def work() -> None:
        state = places.database.state()
        number = await take_down(state, ["a"])
        clock = HandClock()
        lease = places.database.lease(clock)
        await hold(lease, number)
        await move_from("database", places.settings)
        assert not await lease.renew(number)
        assert not lease.valid
        with pytest.raises(StateRefusedError, match="was moved from this database"):
            await lease.take()

    places.database.run(work)


@pytest.mark.parametrize("there", ["takedown", "release"])
def test_a_state_that_is_there_is_not_written_over(places: Places, there: str) -> None:
    async def work() -> None:
        files = places.files()
        if there == "takedown":
            # No release is live yet, and something was taken down all the same.
            await take_down(files, ["precious"])
        else:
            places.folder.mkdir()
            await files.switch(FIRST)
        await fill(places.database.state())
        with pytest.raises(BusyError, match=r"holds a state already.*Two states cannot be made one"):
            await move_from("database", places.settings)
        with pytest.raises(BusyError, match="holds a state already"):
            await move_from("files", places.settings)
        assert await taken_down(files) == ({"precious"} if there == "takedown" else set())
        assert await taken_down(places.database.state()) == {"b"}

    places.database.run(work)


def test_nothing_is_moved_while_a_release_is_built(places: Places) -> None:
    async def work() -> None:
        files, state = places.files(), places.database.state()
        await take_down(files, ["a"])
        for one in (files, state):
            async with one.build_lock():
                with pytest.raises(BusyError, match="Wait for it to end, or stop it; nothing was moved"):
                    await move_from("files", places.settings)
        await move_from("files", places.settings)

    places.database.run(work)


@pytest.mark.parametrize("source", ["files", "database", "qdrant"])
def test_settings_that_name_no_place_are_refused(
    tmp_path: Path, source: Literal["files", "database", "qdrant"]
) -> None:
    with pytest.raises(UsageError, match="qdrant_url: expected" if source == "qdrant" else "state_url: expected"):
        asyncio.run(move_from(source, IndexingSettings(data_dir=tmp_path)))


def test_a_build_of_before_cannot_read_the_end_of_what_was_moved(places: Places) -> None:
    async def work() -> None:
        await fill(places.files())
        path = places.folder / "journal" / "changes.log"
        before = path.read_bytes()
        assert [frame.seq for frame in old_frames(before)] == [1, 2, 3, 4, 5]
        await move_from("files", places.settings)
        assert path.read_bytes().startswith(before)
        with pytest.raises(msgspec.ValidationError, match="Invalid value 'moved'"):
            old_frames(path.read_bytes())

    places.database.run(work)
