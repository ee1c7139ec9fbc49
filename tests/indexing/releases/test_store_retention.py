"""What goes from a release store and what stays, and whether a release has room on the host that pulls it."""

import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from embedding.errors import NearfieldError
from indexing.releases.activation import rollback
from indexing.releases.pull import pull_release
from indexing.releases.push import push_release
from indexing.releases.release_store import open_release_store
from indexing.releases.retention import RetentionPolicy, prune, size_of
from indexing.releases.store_retention import prune_release_store, tell_stored
from indexing.releases.workspace import Workspace
from indexing.settings import StorePlace
from indexing.state.records import TakenDown
from tests.indexing.at_work import build, within
from tests.indexing.kinds_of_store import EmbeddedStores, MemoryStores
from tests.indexing.release_worlds import QUIET, Source
from tests.indexing.releases.stored_worlds import CONTENT, Host, in_state, make_release
from tests.indexing.releases.test_retention import four


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "store").mkdir()
    return tmp_path / "store"


@pytest.fixture
def stores(data_dir: Path) -> EmbeddedStores:
    return EmbeddedStores(data_dir)


def with_store(workspace: Workspace, place: Path, **settings: object) -> Workspace:
    changed = msgspec.structs.replace(workspace.settings, release_store=StorePlace(place), **settings)
    return msgspec.structs.replace(workspace, settings=changed)


async def four_pushed(workspace: Workspace, source: Source) -> list[str]:
    """Four releases, the last of them live, all in the store."""
    releases = await four(workspace, source)
    for release_id in releases:
        await push_release(workspace, release_id, QUIET)
    return releases


def test_as_many_stay_as_on_a_disk(
    stores: EmbeddedStores, source: Source, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(workspace: Workspace) -> None:
        workspace = with_store(workspace, place, keep_releases=2)
        releases = await four_pushed(workspace, source)
        store = open_release_store(workspace.settings)

        async def elsewhere(*, stored: bool) -> set[str]:
            assert not stored
            return {releases[0]}

        monkeypatch.setattr(workspace.state, "kept_elsewhere", elsewhere)
        assert await prune_release_store(workspace) == releases[1:2]
        monkeypatch.undo()
        assert store.ids() == [releases[0], *releases[2:]]
        assert await prune_release_store(workspace) == releases[:1]
        assert await prune_release_store(workspace) == []
        assert store.ids() == releases[2:]
        assert sorted(path.name for path in place.iterdir()) == releases[2:]

    within(stores, source, work)


def test_the_live_one_newer_ones_the_one_before_and_pinned_ones_stay(
    stores: EmbeddedStores, source: Source, place: Path
) -> None:
    async def work(workspace: Workspace) -> None:
        workspace = with_store(workspace, place, keep_releases=2)
        releases = await four_pushed(workspace, source)
        # Live is the third now; before it, the second was live; the fourth may go live in a moment.
        await rollback(workspace)
        pinned = with_store(workspace, place, keep_releases=2, pinned_releases=(releases[0],))
        assert await prune_release_store(pinned) == []
        assert await prune_release_store(workspace) == releases[:1]

    within(stores, source, work)


def test_old_releases_go_where_another_has_no_room(stores: EmbeddedStores, source: Source, place: Path) -> None:
    async def work(workspace: Workspace) -> None:
        workspace = with_store(workspace, place)
        first, second, third, fourth = await four_pushed(workspace, source)
        await prune(workspace.releases, workspace.store, RetentionPolicy(3, None, ()))
        total = open_release_store(workspace.settings).listing(first).num_bytes
        size = size_of(workspace.releases.folder / second)
        tight = with_store(workspace, place, max_release_bytes=2 * size + total - 1)
        with pytest.raises(
            NearfieldError,
            match=rf"Release {first} has [\d,]+ bytes, and those that must stay here \({third}, {fourth}\) have [\d,]+",
        ):
            await pull_release(tight, first, QUIET)
        # The second was of no use to anybody, and went all the same.
        assert [manifest.id for manifest in workspace.releases.manifests()] == [third, fourth]
        enough = with_store(workspace, place, max_release_bytes=2 * size + total + (1 << 20))
        assert (await pull_release(enough, first, QUIET)).num_bytes == total
        assert first in workspace.releases

    within(stores, source, work)


def test_a_disk_without_room_is_told_before_anything_is_fetched(
    tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_release(tmp_path / "builder", "r1")
    Host(tmp_path / "builder", place).push("r1")
    monkeypatch.setattr("indexing.releases.room.shutil.disk_usage", lambda _: SimpleNamespace(free=1_000))
    other = Host(tmp_path / "other", place)
    with pytest.raises(NearfieldError, match=r"Release r1 needs [\d,]+ more bytes on the disk .* has 1,000 free"):
        other.pull("r1")
    assert list((other.data_dir / "pulls" / "r1").iterdir()) == []


def test_nothing_goes_where_nothing_is_live(tmp_path: Path, place: Path) -> None:
    host = Host(tmp_path / "builder", place, keep_releases=2)
    for number in range(4):
        make_release(host.data_dir, f"r{number}")
        host.push(f"r{number}")
    assert host.work(prune_release_store) == []


def test_what_a_dead_push_left_goes_after_a_day(stores: EmbeddedStores, source: Source, place: Path) -> None:
    async def work(workspace: Workspace) -> None:
        workspace = with_store(workspace, place)
        await build(workspace, source, model=None)
        yesterday = time.time() - 25 * 3_600
        for name, written in {"r1": yesterday, "r2": time.time()}.items():
            (place / name / "objects").mkdir(parents=True)
            for part in ("a", "b"):
                path = place / name / "objects" / (part * 64)
                path.write_bytes(CONTENT["points/edge_config.json"])
                os.utime(path, (yesterday, written if part == "b" else yesterday))
        assert await prune_release_store(workspace) == ["r1"]
        assert not (place / "r1").exists()
        assert (place / "r2").exists()

    within(stores, source, work)


def test_a_damaged_release_stays_and_is_logged(
    stores: EmbeddedStores, source: Source, place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(workspace: Workspace) -> None:
        workspace = with_store(workspace, place)
        release_id = await build(workspace, source, model=None)
        await push_release(workspace, release_id, QUIET)
        (place / release_id / "release.json").write_bytes(b"{}")
        assert await prune_release_store(workspace) == []
        assert (place / release_id).exists()

    within(stores, source, work)
    assert "should list the files of release" in caplog.text


def test_what_the_release_store_keeps_no_host_has_to(data_dir: Path, source: Source, place: Path) -> None:
    """Its collection and what it needs of the log stay, and go with it."""

    async def work(workspace: Workspace) -> None:
        workspace = with_store(workspace, place, keep_releases=4)
        number = await workspace.state.append([TakenDown("anything")])
        releases = await four_pushed(workspace, source)
        for _ in range(3):
            await workspace.state.append([TakenDown("anything")])
        releases.append(await build(workspace, source, model=None))
        await push_release(workspace, releases[-1], QUIET)
        # On this host all but the last two go.
        await prune(workspace.releases, workspace.store, RetentionPolicy(2, None, ()))
        await workspace.state.keep(workspace.releases.kept())
        assert releases[0] not in workspace.releases
        assert await workspace.store.collections() == releases
        assert await workspace.state.begins() == number
        await pull_release(workspace, releases[0], QUIET)
        shutil.rmtree(workspace.releases.folder / releases[0])

        fewer = with_store(workspace, place, keep_releases=2)
        await fewer.state.keep({releases[-1]: number + 3})
        assert await prune_release_store(fewer) == releases[:3]
        assert await workspace.store.collections() == releases[3:]
        assert await workspace.state.kept_elsewhere() == set(releases[3:])
        assert await workspace.state.kept_elsewhere(stored=False) == set()

    within(MemoryStores(data_dir), source, work)


def test_releases_of_other_states_in_the_release_store_are_not_ours(
    tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_release(tmp_path / "other", "r1")
    other = Host(tmp_path / "other", place)
    other.push("r1")
    mine = Host(tmp_path / "mine", place)
    in_state(mine.data_dir, "another")
    kept: list[Mapping[str, int]] = []

    async def push(workspace: Workspace) -> None:
        async def keep(these: Mapping[str, int], *, stored: bool = False) -> None:
            assert stored
            kept.append(these)

        monkeypatch.setattr(workspace.state, "keep", keep)
        await tell_stored(workspace)

    mine.work(push)
    other.work(push)
    assert kept == [{}, {"r1": 0}]
