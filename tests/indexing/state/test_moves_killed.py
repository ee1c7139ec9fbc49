"""A move that is killed, or that changes come into: gone on with, and nothing left behind."""

from pathlib import Path
from typing import Any, Literal

import pytest

from embedding.durable_files import write_durably
from indexing.errors import StateError
from indexing.journal.takedowns import take_down, taken_down
from indexing.state.copies import FilesPlace, StatePlace, move
from indexing.state.open_places import move_from
from tests.indexing.state.moved_states import Places, Stopping, fill, said


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "data")


@pytest.mark.parametrize("source", ["files", "database"])
@pytest.mark.parametrize(("method", "after"), [("write", False), ("write", True), ("leave", False)])
def test_a_move_that_was_killed_is_gone_on_with(
    places: Places, source: Literal["files", "database"], method: str, after: bool
) -> None:
    async def work() -> None:
        await fill(places.files() if source == "files" else places.database.state())
        before = await said(places.files() if source == "files" else places.database.state())
        ends: list[StatePlace] = [FilesPlace(places.folder), places.place()]
        if source == "database":
            ends.reverse()
        stopping = Stopping(ends[method == "write"], method, after=after)
        with pytest.raises(KeyboardInterrupt):
            await (move(ends[0], stopping) if method == "write" else move(stopping, ends[1]))
        # Nothing was ended: whoever serves there goes on.
        assert await said(places.files() if source == "files" else places.database.state()) == before
        await move_from(source, places.settings)
        assert await said(places.database.state() if source == "files" else places.files()) == before

    places.database.run(work)


@pytest.mark.parametrize("killed_in", ["live", "changes.log", "activations.jsonl", "state.id"])
def test_files_that_were_half_written_are_none_until_it_is_gone_on_with(
    places: Places, killed_in: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> None:
        state = places.database.state()
        await fill(state)
        before = await said(state)

        def write(path: Path, data: bytes) -> None:
            if path.name == killed_in:
                raise KeyboardInterrupt
            write_durably(path, data)

        with monkeypatch.context() as patch:
            for module in ("copies", "file_log"):
                patch.setattr(f"indexing.state.{module}.write_durably", write)
            with pytest.raises(KeyboardInterrupt):
                await move_from("database", places.settings)
        with pytest.raises(StateError, match="did not end: move it again"):
            places.files()
        assert await said(places.database.state()) == before
        await move_from("database", places.settings)
        assert await said(places.files()) == before

    places.database.run(work)


def test_files_whose_end_was_written_and_not_their_mark_are_gone_on_with(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> None:
        await fill(places.files())
        before = await said(places.files())

        def write(path: Path, data: bytes) -> None:
            if path.name == "state.moved":
                raise KeyboardInterrupt
            write_durably(path, data)

        with monkeypatch.context() as patch:
            patch.setattr("indexing.state.copies.write_durably", write)
            with pytest.raises(KeyboardInterrupt):
                await move_from("files", places.settings)
        await move_from("files", places.settings)
        assert await said(places.database.state()) == before

    places.database.run(work)


@pytest.mark.parametrize("source", ["files", "database"])
def test_changes_that_come_while_it_is_moved_are_not_left_behind(
    places: Places, source: Literal["files", "database"]
) -> None:
    async def work() -> None:
        running = places.files() if source == "files" else places.database.state()
        await fill(running)
        ends: list[StatePlace] = [FilesPlace(places.folder), places.place()]
        if source == "database":
            ends.reverse()
        end = await running.end()

        class Busy(Stopping):
            def __getattr__(self, name: str) -> Any:
                real = getattr(self._place, name)
                if name != "leave":
                    return real

                async def late(*given: Any) -> None:
                    await take_down(running, ["late"])
                    await real(*given)

                return late

        with pytest.raises(StateError, match=f"came to {end + 1} changes while its first {end} were moved"):
            await move(Busy(ends[0], "leave", after=False), ends[1])
        assert await taken_down(running) == {"b", "late"}
        assert await take_down(running, ["later"]) == end + 2

    places.database.run(work)
