"""Where a release store is set, what goes live has been sent there before: builds and compactions."""

import asyncio
import shutil
from pathlib import Path

import msgspec
import pytest

from embedding.errors import UsageError
from indexing.building.compaction import compact
from indexing.building.run import build_from_settings
from indexing.errors import NoLiveReleaseError, ReleaseStoreError
from indexing.releases.activation import activate
from indexing.releases.pull import pull_release
from indexing.releases.push import push_release
from indexing.releases.release_store import open_release_store
from indexing.releases.releases import Author, Releases
from indexing.releases.workspace import Workspace, open_workspace
from indexing.settings import IndexingSettings, StorePlace
from tests.indexing.at_work import build, item, put, within
from tests.indexing.kinds_of_store import KINDS, EmbeddedStores, Kind, stores_of
from tests.indexing.release_worlds import QUIET, Source


@pytest.fixture
def settings(tmp_path: Path, data_dir: Path, source: Source) -> IndexingSettings:
    (tmp_path / "store").mkdir()
    return IndexingSettings(
        data_dir=data_dir, cache_dir=source.cache_dir, release_store=StorePlace(tmp_path / "store"), keep_releases=2
    )


def test_a_build_is_in_the_store_before_it_is_live(
    settings: IndexingSettings, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_release_store(settings)
    at_switch: list[list[str]] = []

    async def watched(workspace: Workspace, release_id: str, *, author: Author) -> None:
        at_switch.append(store.ids())
        await activate(workspace, release_id, author=author)

    monkeypatch.setattr("indexing.building.run.make_live", watched)
    built = [
        asyncio.run(build_from_settings(source.inputs(), settings, QUIET, activate=True, text=False)).id
        for _ in range(3)
    ]
    assert at_switch == [built[:1], built[:2], built]
    # Two are kept, and what is not live yet.
    assert store.ids() == built[1:]
    kept = asyncio.run(build_from_settings(source.inputs(), settings, QUIET, activate=False, text=False)).id
    assert store.ids() == [*built[1:], kept]


def test_what_cannot_be_sent_does_not_go_live(
    settings: IndexingSettings, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise ReleaseStoreError("the store is full")

    async def live() -> str:
        async with open_workspace(settings) as workspace:
            assert len(workspace.releases.manifests()) == 1
            return await workspace.releases.live_id()

    monkeypatch.setattr("indexing.releases.release_store.ReleaseStore.send", full)
    with pytest.raises(ReleaseStoreError, match="the store is full"):
        asyncio.run(build_from_settings(source.inputs(), settings, QUIET, activate=True, text=False))
    with pytest.raises(NoLiveReleaseError):
        asyncio.run(live())


def test_a_store_that_cannot_be_used_is_told_before_the_build(settings: IndexingSettings, source: Source) -> None:
    wrong = msgspec.structs.replace(settings, release_store=StorePlace("/not/there"))
    with pytest.raises(UsageError, match="expected a folder, came /not/there"):
        asyncio.run(build_from_settings(source.inputs(), wrong, QUIET, activate=True, text=False))
    assert not (settings.data_dir / "releases").exists()


def test_a_compaction_is_sent_and_another_host_can_go_live_with_it(
    settings: IndexingSettings, source: Source, tmp_path: Path
) -> None:
    async def work(workspace: Workspace) -> str:
        workspace = msgspec.structs.replace(workspace, settings=settings)
        await build(workspace, source)
        await put(workspace, item(1, title="Another title"))
        made = await compact(workspace, QUIET)
        assert made is not None
        return made.id

    compacted = within(EmbeddedStores(settings.data_dir), source, work)
    assert open_release_store(settings).ids() == [compacted]

    async def elsewhere() -> None:
        there = msgspec.structs.replace(settings, data_dir=tmp_path / "elsewhere")
        for name in ("journal", "rules"):
            if (settings.data_dir / name).exists():
                shutil.copytree(settings.data_dir / name, there.data_dir / name)
        shutil.copy(settings.data_dir / "state.id", there.data_dir)
        async with open_workspace(there) as workspace:
            await pull_release(workspace, compacted, QUIET)
            # It opens the collection, and compares vectors and words with those of the columns.
            await workspace.releases.activate(compacted)
            rows = await workspace.live()
            assert rows.payload(rows.row_of("item-1")).title == "Another title"

    asyncio.run(elsewhere())


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "embedded"])
def test_over_a_server_the_points_stay_where_they_are(
    kind: Kind, settings: IndexingSettings, source: Source, tmp_path: Path
) -> None:
    async def work(workspace: Workspace) -> None:
        workspace = msgspec.structs.replace(workspace, settings=settings)
        release_id = await build(workspace, source)
        pushed = await push_release(workspace, release_id, QUIET)
        assert not any("/points" in name for name in open_release_store(settings).listing(release_id).files)
        there = msgspec.structs.replace(settings, data_dir=tmp_path / "elsewhere")
        releases = Releases(there.data_dir, workspace.store, workspace.state)
        other = msgspec.structs.replace(workspace, settings=there, releases=releases)
        assert (await pull_release(other, release_id, QUIET)).num_bytes == pushed.num_bytes
        await releases.open(release_id).check_collection(workspace.store)

    with stores_of(kind, settings.data_dir) as stores:
        within(stores, source, work)
