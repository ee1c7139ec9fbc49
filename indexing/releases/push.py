"""Sending a release to the release store, with all that belongs to it."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from embedding.progress import Reporter
from indexing.errors import ReleaseStoreError
from indexing.release.manifest import verify_files
from indexing.releases.belongings import Belonging, belongings
from indexing.releases.release_store import ReleaseStore, open_release_store
from indexing.releases.retention import hold
from indexing.releases.store_retention import tell_stored
from indexing.releases.stored_listing import Listing, is_of_release
from indexing.releases.workspace import Workspace


class Pushed(Struct, frozen=True):
    """What belongs to a release in the store, and how much was sent for it just now, one content once; in bytes."""

    release: str
    store: str
    num_files: int
    num_bytes: int
    sent_files: int
    sent_bytes: int


async def push_release(workspace: Workspace, release_id: str, reporter: Reporter, *, verify: bool = False) -> Pushed:
    """Send a finished release to the release store; what is there already is not sent again.

    Others see it once all of it is there. With `verify` every byte that is there is read back, and sent again where it
    is not as it should be. A release that is there gets the plans and lines of today.

    Raises ReleaseMissingError, DamagedError, UsageError where no store is set, ReleaseStoreError, and MismatchError
    where the store has a release of that id with other content, or of another state.
    """
    store, state = open_release_store(workspace.settings), await workspace.state.id()
    manifest = workspace.releases.manifest(release_id)
    folder = workspace.releases.folder / release_id
    with _held(folder):
        with reporter.stage("check every byte"):
            verify_files(folder, manifest)
        with belongings(workspace.settings.data_dir, manifest) as parts:
            listing = Listing(release=release_id, state=state, files={name: part.file for name, part in parts.items()})
            before = store.check_same(listing)
            # Two paths of the same content are one file there.
            by_content = {part.file.sha256: part for part in parts.values()}
            sent = _send(store, release_id, by_content, reporter)
            if verify:
                sent += _send_again(store, release_id, by_content, reporter)
            if before is not None:
                others = {name: file for name, file in before.files.items() if not is_of_release(name, release_id)}
                listing = Listing(release=release_id, state=state, files=others | listing.files)
            if listing != before:
                store.publish(listing)
    await tell_stored(workspace)
    return Pushed(
        release_id,
        store.name,
        len(listing.files),
        listing.num_bytes,
        len(sent),
        sum(part.file.num_bytes for part in sent),
    )


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """The release in `folder` is not removed in the context."""
    held = hold(folder)
    try:
        yield
    finally:
        if held is not None:
            os.close(held)


def _send(store: ReleaseStore, release_id: str, parts: Mapping[str, Belonging], reporter: Reporter) -> list[Belonging]:
    """Send what is missing or not of its size; gives it."""
    missing = _missing(store, release_id, parts)
    with reporter.stage("send bytes", sum(part.file.num_bytes for part in missing)) as advance:
        for part in missing:
            store.send(release_id, part.file, part.source, advance)
    # Also when somebody removes half pushes meanwhile, no release is listed that lacks a file.
    left = _missing(store, release_id, parts)
    if left:
        raise ReleaseStoreError(
            f"{len(left)} files of release {release_id} were sent to the release store {store.name} and are not there, "
            f"or not of their size; the first is {left[0].file.sha256}, of {left[0].file.num_bytes} bytes. "
            "See who else writes there, and push again."
        )
    return missing


def _missing(store: ReleaseStore, release_id: str, parts: Mapping[str, Belonging]) -> list[Belonging]:
    there = store.sizes(release_id)
    return [part for digest, part in parts.items() if there.get(digest) != part.file.num_bytes]


def _send_again(
    store: ReleaseStore, release_id: str, parts: Mapping[str, Belonging], reporter: Reporter
) -> list[Belonging]:
    """Read everything back, and send what is not as it should be; gives that."""
    with reporter.stage("read bytes back", sum(part.file.num_bytes for part in parts.values())) as advance:
        wrong = [part for part in parts.values() if store.digest(release_id, part.file, advance) != part.file.sha256]
    for part in wrong:
        reporter.say(f"{part.file.sha256} was damaged in the release store: it is sent again")
        store.send(release_id, part.file, part.source, lambda _: None)
    return wrong
