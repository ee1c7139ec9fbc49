"""Small releases of made-up files, which may be pushed and pulled but not searched, and hosts with a store between."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np

from indexing.release.manifest import FILES, MANIFEST, Manifest, hash_files
from indexing.releases.known_lines import KnownLines, State, lines_path
from indexing.releases.pull import Pulled, pull_release
from indexing.releases.push import Pushed, push_release
from indexing.releases.workspace import Workspace, open_workspace
from indexing.settings import IndexingSettings, StorePlace
from tests.indexing.made_manifest import made_manifest
from tests.indexing.release_worlds import QUIET

T = TypeVar("T")

FOLDERS = ("columns", "points", "users")
# The engine's files are like the second: nearly all holes.
CONTENT = {
    "columns/tower.npy": bytes(range(256)) * 1_000,
    "points/segments/page.dat": b"\1" + bytes(3 << 20) + b"\2" + bytes(1_000),
    "points/edge_config.json": b'{"a": 1, "b": 2}',
    "users/ids.npy": b"",
    "users/history.npy": b"",
}


def make_release(
    data_dir: Path, release_id: str, content: dict[str, bytes] = CONTENT, *, lineage: tuple[str, ...] = ()
) -> Manifest:
    """A finished release of these files, with plans and known lines beside it."""
    folder = data_dir / "releases" / release_id
    for name, data in content.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    files = msgspec.json.encode(hash_files(folder, tuple(sorted({Path(name).parts[0] for name in content}))))
    manifest = made_manifest(release_id, hashlib.sha256(files).hexdigest(), lineage)
    (folder / FILES).write_bytes(files)
    (folder / MANIFEST).write_bytes(msgspec.json.encode(manifest))
    plans = data_dir / "plans" / release_id / "0123.json"
    plans.parent.mkdir(parents=True, exist_ok=True)
    plans.write_bytes(b'{"plans": "measured"}')
    lines = KnownLines(None, bytearray())
    assert not lines.knows(b"a line\n")
    lines.took()
    lines.save(lines_path(data_dir, release_id), State.of(release_id, 0), np.zeros(1, np.int32))
    return manifest


def tree(folder: Path) -> dict[str, bytes]:
    """All files below a folder but for marks, by their paths."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ("in-use", "state.id")
    }


def in_state(data_dir: Path, state: str = "7c0f") -> None:
    """The state of `data_dir` is called so from now on: hosts of one state may exchange releases."""
    data_dir.mkdir(parents=True, exist_ok=True)
    (data_dir / "state.id").write_text(f"{state}\n")


class Host:
    """A data folder with a release store."""

    def __init__(self, data_dir: Path, store: Path | str, **settings: object) -> None:
        self.data_dir = data_dir
        in_state(data_dir)
        self.settings = IndexingSettings(data_dir=data_dir, release_store=StorePlace(store), **settings)  # type: ignore[arg-type]

    def work(self, work: Callable[[Workspace], Awaitable[T]]) -> T:
        """Run `work(workspace)` as one process would."""

        async def run() -> T:
            async with open_workspace(self.settings) as workspace:
                return await work(workspace)

        return asyncio.run(run())

    def push(self, release_id: str, *, verify: bool = False) -> Pushed:
        """Push a release of this host."""

        async def run(workspace: Workspace) -> Pushed:
            return await push_release(workspace, release_id, QUIET, verify=verify)

        return self.work(run)

    def pull(self, release_id: str) -> Pulled:
        """Pull a release to this host."""
        return self.work(lambda workspace: pull_release(workspace, release_id, QUIET))
