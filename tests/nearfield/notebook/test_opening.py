"""Names and paths that `nearfield.open` takes, from a loop too, and what it says of others."""

import asyncio
import shutil
from pathlib import Path

import pytest

import nearfield
from embedding.errors import DamagedError, NotFoundError
from indexing.journal.takedowns import take_down
from indexing.releases.retention import RetentionPolicy, prune
from indexing.releases.workspace import open_workspace
from indexing.settings import IndexingSettings
from nearfield.notebook.release import Release
from tests.nearfield.notebook.notebook_world import World


def test_a_release_has_a_name_and_a_place(world: World) -> None:
    by_name = world.release(world.live)
    by_path = nearfield.open(world.data_dir / "releases" / world.live)
    assert isinstance(by_path, Release)
    assert {world.release().id, by_name.id, by_path.id} == {world.live}
    assert repr(by_name) == f"<Release {world.live}: 80 items, 60 users; tower 16-d, text 384-d>"


def test_a_model_is_told_by_its_folder(world: World) -> None:
    assert repr(world.model()) == f"<Model {world.source / 'model'}: 16-d of id, creators, kind, text; split none>"


def test_it_opens_where_a_loop_runs(world: World) -> None:
    async def cell() -> str:
        return world.release().id

    assert asyncio.run(cell()) == world.live


def test_a_wrong_name_is_answered_with_those_that_there_are(world: World, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=f"'r1'; there are: {world.live}"):
        world.release("r1")
    with pytest.raises(NotFoundError, match="expected `live`, the id of a release"):
        nearfield.open("live", data_dir=tmp_path)
    assert list(tmp_path.iterdir()) == [], "looking must not leave a data folder behind"
    with pytest.raises(NotFoundError, match="'models/none'"):
        nearfield.open("models/none", data_dir=world.data_dir)


def test_a_damaged_folder_is_told(own_world: World) -> None:
    manifest = own_world.data_dir / "releases" / own_world.live / "manifest.json"
    manifest.write_text("{}")
    with pytest.raises(DamagedError, match="is damaged"):
        own_world.release(manifest.parent)


def test_what_is_taken_down_is_not_there(own_world: World, tmp_path: Path) -> None:
    async def hide() -> None:
        async with open_workspace(IndexingSettings(data_dir=own_world.data_dir)) as workspace:
            await take_down(workspace.state, ["jazz-5"], by="a test")

    before = own_world.release()
    asyncio.run(hide())
    release = own_world.release(own_world.data_dir / "releases" / own_world.live)
    assert "jazz-5" in before.items
    assert set(before.items) - set(release.items) == {"jazz-5"}
    assert (before.revision, release.revision) == (0, 1)
    with pytest.raises(NotFoundError, match="1 ids are not known: 'jazz-5'"):
        release.vectors(["jazz-5"])
    assert all("jazz-5" not in near.ids for near in release.neighbours(release.items, k=79))
    # A folder that was taken elsewhere is as it was built.
    alone = shutil.copytree(
        own_world.data_dir / "releases" / own_world.live / "columns", tmp_path / "alone" / "columns"
    )
    for name in ("users", "model", "passages"):
        source = own_world.data_dir / "releases" / own_world.live / name
        if source.is_dir():
            shutil.copytree(source, alone.parent / name)
    shutil.copy(own_world.data_dir / "releases" / own_world.live / "manifest.json", alone.parent)
    assert own_world.release(alone.parent).items == before.items


def test_an_open_release_is_not_removed(own_world: World) -> None:
    async def left() -> list[str]:
        async with open_workspace(IndexingSettings(data_dir=own_world.data_dir)) as workspace:
            folder = workspace.releases.folder
            older = folder / "r20200101000000000"
            if not older.exists():
                shutil.copytree(folder / own_world.live, older)
                manifest = older / "manifest.json"
                manifest.write_text(manifest.read_text().replace(own_world.live, older.name))
            with own_world.release(older) as opened:
                assert opened.id == older.name
                await prune(workspace.releases, workspace.store, RetentionPolicy(1, None, ()))
                assert older.exists()
            return await prune(workspace.releases, workspace.store, RetentionPolicy(1, None, ()))

    assert asyncio.run(left()) == ["r20200101000000000"]
