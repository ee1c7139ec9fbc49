"""What goes wrong around a build: no room, no right to write, a server that goes away. The live release stays."""

import asyncio
import ctypes
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from qdrant_client.http.exceptions import ResponseHandlingException

from indexing.errors import StoreError
from indexing.journal.takedowns import take_down, taken_down
from indexing.releases.releases import Releases
from indexing.state.files import FilesState
from indexing.stores.edge import EdgeStore
from tests.indexing.at_work import build, item, rows_of, within
from tests.indexing.kinds_of_store import EmbeddedStores, MemoryStores
from tests.indexing.over_grpc import OverGrpc
from tests.indexing.release_worlds import NUM_ITEMS, Source

_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE = 24, 1
NEARFIELD = (sys.executable, "-c", "from service.cli import main; main()")


@pytest.fixture
def live(source: Source, tmp_path: Path) -> tuple[Path, str]:
    """A folder with a live release in `.nearfield`, and its id."""
    data_dir = tmp_path / ".nearfield"
    return tmp_path, within(EmbeddedStores(data_dir), source, lambda workspace: build(workspace, source, model=None))


def command(folder: Path, source: Source, *words: str, **how: Any) -> subprocess.CompletedProcess[str]:
    # Where files may have few bytes, compiled modules would be cut off, and stay so for all who import them later.
    environ = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    environ |= {"NEARFIELD_CACHE_DIR": str(source.cache_dir), "NEARFIELD_DATA_DIR": ".nearfield"}
    return subprocess.run(
        [*NEARFIELD, "index", *words], cwd=folder, env=environ, capture_output=True, text=True, check=False, **how
    )


def live_of(folder: Path) -> str:
    data_dir = folder / ".nearfield"
    return asyncio.run(Releases(data_dir, EdgeStore(data_dir / "releases"), FilesState(data_dir)).live_id())


# Bytes that a file may have: not enough for the engine's first file, for its pages, for the spooled rows.
@pytest.mark.parametrize("limit", [1_000, 300_000, 3_000_000])
def test_a_disk_without_room_stops_a_build_and_the_next_one_finishes(
    live: tuple[Path, str], source: Source, limit: int
) -> None:
    folder, before = live

    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    failed = command(folder, source, "build", str(source.catalogue), "--activate", preexec_fn=no_room)
    assert (failed.returncode, "Traceback" in failed.stderr) == (1, False)
    assert "File too large" in failed.stderr
    assert live_of(folder) == before
    done = command(folder, source, "build", str(source.catalogue), "--activate")
    assert done.returncode == 0, done.stderr
    assert live_of(folder) != before


def test_a_folder_that_may_not_be_written_is_named_and_nothing_is_lost(live: tuple[Path, str], source: Source) -> None:
    folder, before = live
    journal = FilesState(folder / ".nearfield")
    asyncio.run(take_down(journal, ["item-1"]))
    folders = [path for path in folder.rglob("*") if path.is_dir()]
    files = [path for path in (folder / ".nearfield" / "journal").iterdir() if path.is_file()]

    def without_root_s_pass() -> None:
        # Root may write anywhere by this capability; for anybody else there is nothing to drop.
        ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE, 0, 0, 0)

    for path in (*files, *folders):
        path.chmod(0o555)
    try:
        for words in (("build", str(source.catalogue)), ("takedown", "item-2"), ("sync", str(source.catalogue))):
            refused = command(folder, source, *words, preexec_fn=without_root_s_pass)
            assert (refused.returncode, "Traceback" in refused.stderr) == (1, False), refused.stderr
            assert "ermission denied" in refused.stderr
    finally:
        for path in (*files, *folders):
            path.chmod(0o755)
    assert live_of(folder) == before
    assert asyncio.run(taken_down(journal)) == {"item-1"}


def test_a_server_that_goes_away_stops_a_build_and_the_next_one_finishes(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores = MemoryStores(tmp_path)

    async def begun(workspace: Any) -> str:
        first = await build(workspace, source)
        await take_down(workspace.state, ["item-1"])
        return first

    first = within(stores, source, begun)

    async def gone(*_: Any, **__: Any) -> None:
        raise ResponseHandlingException(ConnectionError("Connection refused"))

    with monkeypatch.context() as patched:
        patched.setattr(OverGrpc, "upsert", gone)
        with pytest.raises(StoreError, match="Connection refused"):
            within(stores, source, lambda workspace: build(workspace, source))

    async def after(workspace: Any) -> None:
        assert await workspace.releases.live_id() == first
        second = await build(workspace, source)
        assert await workspace.store.count(second) == NUM_ITEMS
        assert (await rows_of(workspace, second)).find(item(1).id) < 0

    within(stores, source, after)
