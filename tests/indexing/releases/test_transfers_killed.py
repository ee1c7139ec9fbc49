"""A push or a pull that is killed leaves nothing that anybody takes for a release; the next one goes on with it."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from embedding.progress import Advance, Reporter
from indexing.releases.half_pulls import half_pull
from indexing.releases.pull import pull_release
from indexing.releases.release_store import open_release_store
from indexing.releases.workspace import Workspace
from tests.indexing.release_worlds import QUIET
from tests.indexing.releases.stored_worlds import Host, make_release, tree

ROOT = Path(__file__).parents[3]
# Files of some size, so that the death falls between them and inside of one.
CONTENT = {f"columns/{number}.npy": os.urandom(3 << 20) for number in range(4)} | {"points/page.dat": b"\1"}
HALF = sum(map(len, CONTENT.values())) // 2


def started(host: Host, what: str, stage: str, num_bytes: int = HALF) -> "subprocess.Popen[bytes]":
    place = str(host.settings.release_store)
    program = [sys.executable, "-m", "tests.indexing.releases.transferring_process"]
    return subprocess.Popen([*program, str(host.data_dir), place, what, "r1", stage, str(num_bytes)], cwd=ROOT)


@pytest.fixture
def builder(tmp_path: Path) -> Host:
    (tmp_path / "store").mkdir()
    make_release(tmp_path / "builder", "r1", CONTENT)
    return Host(tmp_path / "builder", tmp_path / "store")


@pytest.fixture
def other(builder: Host, tmp_path: Path) -> Host:
    assert builder.settings.release_store is not None
    return Host(tmp_path / "other", builder.settings.release_store)


def test_a_push_that_was_killed_is_gone_on_with(builder: Host, other: Host) -> None:
    assert started(builder, "push", "send bytes").wait(300) == -signal.SIGKILL
    store = open_release_store(builder.settings)
    assert (store.ids(), store.half()) == ([], ["r1"])
    half = store.sizes("r1")
    assert half
    pushed = builder.push("r1")
    # Two whole files were there, and half of the third was not taken for one.
    assert 0 < pushed.sent_bytes < pushed.num_bytes - HALF / 2
    assert (store.ids(), store.half()) == (["r1"], [])
    assert [path for path in (Path(store.name) / "r1" / "objects").iterdir() if path.name.startswith(".")] == []
    other.pull("r1")
    assert tree(other.data_dir) == tree(builder.data_dir)


def test_a_pull_that_was_killed_is_gone_on_with(builder: Host, other: Host) -> None:
    builder.push("r1")
    assert started(other, "pull", "fetch bytes").wait(300) == -signal.SIGKILL
    assert not (other.data_dir / "releases").exists()
    pulled = other.pull("r1")
    assert 0 < pulled.fetched_bytes < pulled.num_bytes - HALF / 2
    assert tree(other.data_dir) == tree(builder.data_dir)
    assert list((other.data_dir / "pulls").iterdir()) == []


def test_what_an_earlier_pull_left_is_looked_at_byte_by_byte(builder: Host, other: Host) -> None:
    builder.push("r1")
    for name, data in {"columns/0.npy": CONTENT["columns/0.npy"], "columns/1.npy": bytes(3 << 20)}.items():
        path = other.data_dir / "pulls" / "r1" / "releases" / "r1" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    pulled = other.pull("r1")
    assert pulled.num_bytes - pulled.fetched_bytes == 3 << 20
    assert tree(other.data_dir) == tree(builder.data_dir)


def test_a_pull_that_is_cancelled_stops_at_once_and_is_gone_on_with(builder: Host, other: Host) -> None:
    builder.push("r1")

    async def cancelled(workspace: Workspace) -> None:
        pulling = asyncio.create_task(pull_release(workspace, "r1", Cancelling(lambda: pulling.cancel())))
        with pytest.raises(asyncio.CancelledError):
            await pulling
        fetched = [path for path in (other.data_dir / "pulls").rglob("*.npy") if not path.name.startswith(".")]
        assert 0 < len(fetched) < 4
        # Nobody holds it any more, and what is whole stays.
        pulled = await pull_release(workspace, "r1", QUIET)
        assert pulled.num_bytes - pulled.fetched_bytes == len(fetched) * (3 << 20)

    other.work(cancelled)
    assert tree(other.data_dir) == tree(builder.data_dir)


class Cancelling(Reporter):
    """Reports nothing; cancels a task when a file was fetched."""

    def __init__(self, cancel: Callable[[], object]) -> None:
        super().__init__("none")
        self._cancel, self._loop = cancel, asyncio.get_running_loop()

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Advance]:
        """Cancel within the stage that fetches."""

        def count(steps: int) -> None:
            if steps == 3 << 20:
                cancelled = threading.Event()
                self._loop.call_soon_threadsafe(self._cancel)
                self._loop.call_soon_threadsafe(cancelled.set)
                # A step after this one sees it.
                assert cancelled.wait(300)

        with super().stage(name, total) as advance:
            yield count if name == "fetch bytes" else advance


def test_a_pull_clears_away_the_half_pull_of_another_release(builder: Host, other: Host) -> None:
    builder.push("r1")
    # Somebody is at the one, and nobody at the other.
    with half_pull(other.data_dir, "r2"):
        (other.data_dir / "pulls" / "r0" / "releases").mkdir(parents=True)
        other.pull("r1")
    assert [path.name for path in (other.data_dir / "pulls").iterdir()] == ["r2"]


def test_two_who_push_the_same_at_once_make_one_release(builder: Host, other: Host) -> None:
    pushing = [started(builder, "push", "never") for _ in range(2)]
    assert [process.wait(300) for process in pushing] == [0, 0]
    other.pull("r1")
    assert tree(other.data_dir) == tree(builder.data_dir)
