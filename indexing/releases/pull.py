"""Getting a release from the release store: fetched beside the releases, checked, then moved in one step."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from embedding.errors import DamagedError, MismatchError
from embedding.progress import Advance, Reporter
from indexing.errors import NoLiveReleaseError, ReleaseMissingError
from indexing.release.manifest import read_manifest, verify_files
from indexing.releases.half_pulls import copy, damaged, fetch, half_pull, missing_files, take_over
from indexing.releases.release_store import ReleaseStore, open_release_store, told_state
from indexing.releases.room import make_room
from indexing.releases.stored_listing import Listing, StoredFile
from indexing.releases.workspace import Workspace
from indexing.stores.contract import POINTS

T = TypeVar("T")


class Pulled(Struct, frozen=True):
    """What belongs to a release, and how much was fetched for it just now, one content once; sizes in bytes."""

    release: str
    num_files: int
    num_bytes: int
    fetched_files: int
    fetched_bytes: int


async def ensure_local(workspace: Workspace, release_id: str) -> None:
    """Pull a release, without a word, unless this host has it; raises what `pull_release` raises."""
    if release_id not in workspace.releases:
        await pull_release(workspace, release_id, Reporter("none"))


async def wanted_release(workspace: Workspace) -> str:
    """The live release, or where none is the newest in the store; ReleaseMissingError where that is empty."""
    try:
        return await workspace.releases.live_id()
    except NoLiveReleaseError:
        store = open_release_store(workspace.settings)
        there = store.ids()
        if not there:
            raise ReleaseMissingError(
                f"There is no release in the release store {store.name}. On a host that has one, run "
                "`nearfield index push`."
            ) from None
        return there[-1]


async def pull_release(workspace: Workspace, release_id: str, reporter: Reporter) -> Pulled:
    """Get a release with all that belongs to it; what an earlier pull had fetched stays. It does not go live.

    One that is here already is left as it is.

    Raises ReleaseMissingError; DamagedError where a byte in the store is not the one that was pushed; MismatchError for
    a release of another state, or whose points are not where this host looks; NearfieldError where there is no room;
    BusyError while another process of this data folder pulls it; ReleaseStoreError; UsageError where no store is set.
    """
    data_dir = workspace.settings.data_dir
    store = open_release_store(workspace.settings)
    listing = await _apart(lambda _: store.listing(release_id))
    own = await workspace.state.id()
    if listing.state != own:
        raise MismatchError(told_state(listing, store.name, own))
    await _check_points(workspace, listing)
    with half_pull(data_dir, release_id) as folder:
        if release_id in workspace.releases:
            return Pulled(release_id, len(listing.files), listing.num_bytes, 0, 0)
        await _apart(lambda _: _check_sizes(store, listing))
        with reporter.stage("look at what is here", listing.num_bytes) as advance:
            missing = await _apart(lambda go: missing_files(folder, listing, go), advance)
        missing_bytes = sum(listing.files[name].num_bytes for name in missing)
        removed = await make_room(workspace, listing, missing_bytes)
        if removed:
            reporter.say(f"Removed {', '.join(removed)} to make room")
        with reporter.stage("fetch bytes", missing_bytes) as advance:
            fetched = await _apart(lambda go: _fetch(store, listing, missing, folder, go), advance)
        with reporter.stage("check every byte"):
            await _apart(lambda _: _check(folder / "releases" / release_id))
        await _apart(lambda _: take_over(folder, data_dir, listing))
    await workspace.state.keep(workspace.releases.kept())
    fetched_bytes = sum(file.num_bytes for file in fetched)
    return Pulled(release_id, len(listing.files), listing.num_bytes, len(fetched), fetched_bytes)


async def _check_points(workspace: Workspace, listing: Listing) -> None:
    """MismatchError where the release's points are not where the store of vectors looks."""
    release_id = listing.release
    in_files = any(name.startswith(f"releases/{release_id}/{POINTS}") for name in listing.files)
    if in_files and workspace.settings.qdrant_url is not None:
        raise MismatchError(
            f"Release {release_id} was built embedded: its points lie in its files, and this host looks for them on "
            f"{workspace.settings.qdrant_url}. Leave `qdrant_url` out, or build the release with it."
        )
    if not in_files and release_id not in await workspace.store.collections():
        where = workspace.settings.qdrant_url or "no server, as `qdrant_url` is not set"
        raise MismatchError(
            f"Release {release_id} was built on a Qdrant server: its points are not in its files, and this host looks "
            f"for them on {where}. Set `qdrant_url` and `qdrant_prefix` as they are where it was built."
        )


def _check_sizes(store: ReleaseStore, listing: Listing) -> None:
    """DamagedError where a file is not there, or not of its size: known before the first byte is fetched."""
    there = store.sizes(listing.release)
    for name, file in listing.files.items():
        found = there.get(file.sha256)
        if found != file.num_bytes:
            came = "none: it is not there" if found is None else f"{found} bytes"
            raise damaged(store, listing.release, name, file, came)


def _fetch(
    store: ReleaseStore, listing: Listing, missing: Sequence[str], folder: Path, advance: Advance
) -> list[StoredFile]:
    """Complete `folder`; the files that were fetched, as many of one content come once."""
    here = {listing.files[name].sha256: folder / name for name in listing.files.keys() - set(missing)}
    fetched = []
    for name in missing:
        file, target = listing.files[name], folder / name
        if file.sha256 in here:
            copy(here[file.sha256], target, advance)
        else:
            fetch(store, listing.release, name, file, target, advance)
            here[file.sha256] = target
            fetched.append(file)
    return fetched


def _check(folder: Path) -> None:
    try:
        manifest = read_manifest(folder)
        if manifest.id != folder.name:
            raise DamagedError(f"its manifest is of release {manifest.id}")
        verify_files(folder, manifest)
    except DamagedError as error:
        raise DamagedError(
            f"Release {folder.name} came as it is listed in the release store, and is not whole in itself: {error}"
        ) from error


class _StoppedError(Exception):
    """Whoever waited for a thread's work waits no more."""


async def _apart(work: Callable[[Advance], T], advance: Advance = lambda _: None) -> T:
    """Do long work in a thread, while the loop goes on; it stops at its next step when the task is cancelled.

    It is waited for all the same: nothing writes any more when the cancelled task ends.
    """
    stop = threading.Event()

    def step(steps: int) -> None:
        if stop.is_set():
            raise _StoppedError
        advance(steps)

    working = asyncio.ensure_future(asyncio.to_thread(work, step))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        stop.set()
        with suppress(_StoppedError):
            await working
        raise
