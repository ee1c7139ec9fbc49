"""What an older Nearfield kept on a Qdrant server, brought over and ended there."""

from base64 import b64decode, b64encode
from pathlib import Path

import msgspec
import pytest
from qdrant_client import models

from indexing.errors import StateError
from indexing.journal.takedowns import take_down, taken_down
from indexing.rules.reading import anything
from indexing.state.copies import FilesPlace, move
from indexing.state.files import FilesState
from indexing.state.old_server_log import OldServerPlace, unmoved_frames
from indexing.state.records import Change, TakenDown
from indexing.stores.server import ServerStore
from tests.indexing.over_grpc import memory_client
from tests.indexing.state.contract import FIRST, row
from tests.indexing.state.moved_states import RULES, OldFrame, Places, Stopping, said


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "data")


class OldServer:
    """The journal and the alias of a prefix on a server, as an older Nearfield wrote them."""

    def __init__(self, folder: Path) -> None:
        self.client = memory_client()
        self.store = ServerStore(self.client, "cat")
        self.folder = folder

    def place(self) -> OldServerPlace:
        return OldServerPlace(self.store, FilesPlace(self.folder))

    async def fill(self) -> None:
        """Three frames, and a live release."""
        await self.client.create_collection("cat-journal", vectors_config={})
        changes: tuple[Change, ...] = (row("a"), TakenDown("b"), TakenDown("c"))
        for number, change in enumerate(changes, 1):
            await self.add(number, change)
        await self.client.create_collection("cat.r7", vectors_config={})
        making = models.CreateAlias(collection_name="cat.r7", alias_name="cat-live")
        await self.client.update_collection_aliases([models.CreateAliasOperation(create_alias=making)])

    async def add(self, number: int, change: Change) -> None:
        data = msgspec.msgpack.encode(OldFrame(number, f"at {number}", (change,)))  # type: ignore[arg-type]
        payload = {"frame": b64encode(data).decode(), "writer": "somebody"}
        await self.client.upsert("cat-journal", [models.PointStruct(id=number, vector={}, payload=payload)])


@pytest.mark.parametrize("to", ["files", "database"])
@pytest.mark.parametrize("killed", [False, True])
def test_what_lay_on_a_server_is_brought_over_and_ended_there(places: Places, to: str, killed: bool) -> None:
    async def work() -> None:
        server = OldServer(places.folder)
        await server.fill()
        # Rules and switches lay beside it, in the data folder.
        beside = FilesState(places.folder)
        await beside.accept(RULES, "rules.toml", anything)
        (places.folder / "activations.jsonl").write_bytes(msgspec.json.encode(FIRST) + b"\n")
        key, name = await beside.cursor_key(), await beside.id()
        assert await unmoved_frames(server.store) == 3
        target = places.place() if to == "database" else FilesPlace(places.folder)
        if killed:
            with pytest.raises(KeyboardInterrupt):
                await move(Stopping(server.place(), "leave", after=False), target)
            assert await unmoved_frames(server.store) == 3
        copy = await move(server.place(), target)
        assert (copy.end, copy.live, copy.id) == (3, "r7", name)
        state = places.database.state() if to == "database" else FilesState(places.folder)
        found = await said(state)
        assert found["rows"] == {"a": [(1, row("a"))]}
        assert found["ids"] == {"b": (2, TakenDown("b")), "c": (3, TakenDown("c"))}
        assert (found["live"], found["activations"], found["key"], found["id"]) == ("r7", [FIRST], key, name)
        assert (await state.rules())[1].blocked.items == ("x",)
        assert await take_down(state, ["d"]) > 3

        # An older service that reads on stops there, and nothing is moved again.
        points, _ = await server.client.scroll("cat-journal", limit=9, offset=1)
        with pytest.raises(msgspec.ValidationError, match="Invalid value 'moved'"):
            msgspec.msgpack.decode(b64decode((points[-1].payload or {})["frame"]), type=OldFrame)
        assert await unmoved_frames(server.store) == 0
        with pytest.raises(StateError, match=r"was moved to .* before: there is nothing to move from it any more"):
            await move(server.place(), target)

    places.database.run(work)


def test_a_server_that_goes_on_while_it_is_moved_is_not_ended(places: Places) -> None:
    async def work() -> None:
        server = OldServer(places.folder)
        await server.fill()
        place = server.place()
        copy = await place.read()
        await server.add(4, TakenDown("late"))
        with pytest.raises(StateError, match="came to 4 changes while its first 3 were moved"):
            await place.leave("elsewhere", copy.end)
        assert await unmoved_frames(server.store) == 4

    places.database.run(work)


def test_a_server_with_a_release_and_no_change_yet_is_ended_too(places: Places) -> None:
    async def work() -> None:
        server = OldServer(places.folder)
        with pytest.raises(StateError, match="nothing to move"):
            await server.place().read()
        await server.fill()
        await server.client.delete_collection("cat-journal")
        copy = await move(server.place(), places.place())
        assert (copy.end, copy.live) == (0, "r7")
        assert await places.database.state().live() == "r7"
        with pytest.raises(StateError, match="was moved"):
            await server.place().read()

    places.database.run(work)


def test_a_journal_beside_the_one_on_the_server_is_not_thrown_away(places: Places) -> None:
    async def work() -> None:
        server = OldServer(places.folder)
        await server.fill()
        await take_down(FilesState(places.folder), ["precious"])
        with pytest.raises(StateError, match=r"has a journal of its own, of 1 changes.*two logs cannot be made one"):
            await move(server.place(), FilesPlace(places.folder))
        assert await taken_down(FilesState(places.folder)) == {"precious"}

    places.database.run(work)
