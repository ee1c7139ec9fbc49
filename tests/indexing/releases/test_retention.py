"""Old releases go by number and by bytes, and never one that somebody needs."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from indexing.releases.activation import rollback
from indexing.releases.retention import RetentionPolicy, hold, prune, size_of
from indexing.releases.workspace import Workspace
from tests.indexing.at_work import build, within
from tests.indexing.kinds_of_store import Stores
from tests.indexing.release_worlds import Source


async def four(workspace: Workspace, source: Source) -> list[str]:
    """Four releases, each activated, with nothing removed on the way."""
    lavish = msgspec.structs.replace(workspace, settings=msgspec.structs.replace(workspace.settings, keep_releases=10))
    return [await build(lavish, source, model=None) for _ in range(4)]


def ids(workspace: Workspace) -> list[str]:
    return [manifest.id for manifest in workspace.releases.manifests()]


def test_so_many_stay_and_the_oldest_go(stores: Stores, source: Source) -> None:
    async def work(workspace: Workspace) -> None:
        releases = await four(workspace, source)
        assert await prune(workspace.releases, workspace.store, RetentionPolicy(3, None, ())) == releases[:1]
        assert ids(workspace) == releases[1:]
        assert await workspace.store.collections() == releases[1:]
        # A build activates and removes by the settings: three stay.
        releases.append(await build(workspace, source, model=None))
        assert ids(workspace) == releases[2:]

    within(stores, source, work)


def test_the_live_one_the_one_before_and_pinned_ones_stay(stores: Stores, source: Source) -> None:
    async def work(workspace: Workspace) -> None:
        releases = await four(workspace, source)
        # Live is the third now; before the third, the second was live.
        await rollback(workspace)
        removed = await prune(workspace.releases, workspace.store, RetentionPolicy(1, 1, (releases[0],)))
        assert removed == releases[3:]
        assert ids(workspace) == releases[:3]

    within(stores, source, work)


def test_bytes_are_a_budget(stores: Stores, source: Source) -> None:
    async def work(workspace: Workspace) -> None:
        releases = await four(workspace, source)
        sizes = [size_of(workspace.releases.folder / release) for release in releases]
        assert await prune(workspace.releases, workspace.store, RetentionPolicy(10, sum(sizes), ())) == []
        assert await prune(workspace.releases, workspace.store, RetentionPolicy(10, sum(sizes) - 1, ())) == releases[:1]

    within(stores, source, work)


def test_one_in_use_by_another_process_goes_the_next_time(stores: Stores, source: Source) -> None:
    program = (
        "import sys, pathlib; from indexing.releases.retention import hold; "
        "held = hold(pathlib.Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    )

    async def work(workspace: Workspace) -> None:
        releases = await four(workspace, source)
        folder = workspace.releases.folder / releases[0]
        user = subprocess.Popen(
            [sys.executable, "-c", program, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert user.stdout is not None
        assert user.stdout.readline() == "held\n"
        # The next oldest goes in its place.
        assert await prune(workspace.releases, workspace.store, RetentionPolicy(3, None, ())) == releases[1:2]
        assert (folder / "manifest.json").exists()
        user.communicate("")
        assert await prune(workspace.releases, workspace.store, RetentionPolicy(2, None, ())) == releases[:1]

    within(stores, source, work)


def test_where_nothing_may_be_written_nothing_needs_to_be_held(tmp_path: Path) -> None:
    assert hold(tmp_path / "not there") is None


@pytest.mark.parametrize("readers", [1, 3])
def test_several_may_hold_the_same_release(tmp_path: Path, readers: int) -> None:
    for descriptor in [hold(tmp_path) for _ in range(readers)]:
        assert descriptor is not None
        os.close(descriptor)
