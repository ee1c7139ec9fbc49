"""What a pull has fetched so far: a folder beside the releases, laid out as a data folder, which nobody reads.

data_dir/pulls/RELEASE/releases/RELEASE/…, plans/RELEASE/…, lines/…
"""

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embedding.durable_files import hash_file, replace_folder
from embedding.errors import BusyError, DamagedError
from embedding.progress import Advance
from indexing.releases.holes import copy_with_holes, write_with_holes
from indexing.releases.release_store import ReleaseStore
from indexing.releases.stored_listing import Listing, StoredFile


@contextmanager
def half_pull(data_dir: Path, release_id: str) -> Iterator[Path]:
    """The folder of a release's pull, with what an earlier one left; those of other releases are cleared away.

    BusyError when another process pulls the release into this data folder.
    """
    folder = data_dir / "pulls" / release_id
    folder.mkdir(parents=True, exist_ok=True)
    for other in folder.parent.iterdir():
        if other != folder:
            with _locked(other) as mine:
                if mine:
                    shutil.rmtree(other, ignore_errors=True)
    with _locked(folder) as mine:
        if not mine:
            raise BusyError(
                f"Another process is pulling release {release_id} into {data_dir}. Wait for it to end, or stop it."
            )
        yield folder


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield False
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            mine = os.path.samestat(os.fstat(handle), folder.stat())
        except (BlockingIOError, FileNotFoundError):
            # Also where another has cleared it away meanwhile.
            mine = False
        yield mine
    finally:
        os.close(handle)


def missing_files(folder: Path, listing: Listing, advance: Advance) -> list[str]:
    """Names of the files that are not in `folder` as they are listed; `advance` is told of bytes looked at."""
    missing = []
    for name, file in listing.files.items():
        path = folder / name
        if not (path.is_file() and path.stat().st_size == file.num_bytes and hash_file(path) == file.sha256):
            missing.append(name)
        advance(file.num_bytes)
    return missing


def fetch(store: ReleaseStore, release_id: str, name: str, file: StoredFile, target: Path, advance: Advance) -> None:
    """Write a file of a release to `target`, where it is there whole or not at all.

    DamagedError when the store's file is not the one that is listed.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    digest = hashlib.sha256()
    with part.open("wb") as out:
        for data in store.read(release_id, file):
            digest.update(data)
            write_with_holes(out, data)
            advance(len(data))
        out.truncate(out.tell())
    if digest.hexdigest() != file.sha256:
        part.unlink()
        raise damaged(store, release_id, name, file, digest.hexdigest())
    part.replace(target)


def copy(source: Path, target: Path, advance: Advance) -> None:
    """Write a file whose content is here already, under another name, to `target`, as `fetch` does."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    with part.open("wb") as out:
        copy_with_holes(source, out, advance)
    part.replace(target)


def damaged(store: ReleaseStore, release_id: str, name: str, file: StoredFile, came: str) -> DamagedError:
    """What is said of a file whose bytes in the store are others."""
    return DamagedError(
        f"Release {release_id} in the release store {store.name} is damaged: {name}, which lies there as "
        f"{release_id}/objects/{file.sha256}, should have SHA-256 {file.sha256} and {file.num_bytes} bytes, it has "
        f"{came}. The release was not taken over. On a host that has it whole, run "
        f"`nearfield index push {release_id} --verify`, which sends again what is damaged."
    )


def take_over(folder: Path, data_dir: Path, listing: Listing) -> None:
    """Move a checked pull to where releases lie; the release itself comes last, in one step."""
    release_id = listing.release
    plans = folder / "plans" / release_id
    if plans.is_dir():
        # As they are listed, oldest first: the newest is taken for rules that none were measured under.
        now_ns = time.time_ns()
        names = [name for name in listing.files if name.startswith("plans/")]
        for place, name in enumerate(names):
            os.utime(folder / name, ns=(now_ns, now_ns + place))
        _move(plans, data_dir / "plans" / release_id)
    for name in (f"lines/{release_id}.npy", f"lines/{release_id}.json"):
        if name in listing.files:
            (data_dir / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).replace(data_dir / name)
    _move(folder / "releases" / release_id, data_dir / "releases" / release_id)
    shutil.rmtree(folder)


def _move(fresh: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    replace_folder(fresh, target)
