"""Which releases go from the release store: as on a host's disk, and never one that any host may still ask for."""

import logging
from datetime import UTC, datetime, timedelta

from embedding.errors import DamagedError
from indexing.errors import NoLiveReleaseError
from indexing.release.manifest import Manifest
from indexing.release.passages import drop_collections
from indexing.releases.release_store import ReleaseStore, open_release_store
from indexing.releases.retention import RetentionPolicy, Surplus, needed_releases
from indexing.releases.workspace import Workspace

_log = logging.getLogger("nearfield.indexing")

# A push writes all the time; what nobody has written to for so long was left by one that died.
_ABANDONED = timedelta(days=1)


async def prune_release_store(workspace: Workspace) -> list[str]:
    """Remove from the release store what `keep_releases` does not keep, and half pushes that nobody goes on with.

    Never the live release, one newer than that (it may be about to go live), the one before, a pinned one, or one
    that another host keeps. Gives the ids removed; none where nothing is live. What is damaged stays, and is
    logged. Raises UsageError where no store is set, and ReleaseStoreError.
    """
    settings = workspace.settings
    store = open_release_store(settings)
    try:
        live = await workspace.releases.live_id()
        needed = await needed_releases(workspace.releases, settings.pinned_releases)
        elsewhere = await workspace.state.kept_elsewhere(stored=False)
    except NoLiveReleaseError:
        return []
    manifests = _manifests(store)
    needed |= elsewhere | {manifest.id for manifest in manifests if manifest.id > live}
    # As many as on a disk; `max_release_bytes` is about a disk alone.
    keeping = RetentionPolicy(settings.keep_releases, None, settings.pinned_releases)
    surplus = Surplus(manifests, {}, needed, keeping)
    removed: list[str] = []
    for manifest in manifests:
        if surplus.has(manifest.id, removed):
            store.remove(manifest.id)
            removed.append(manifest.id)
            if manifest.id not in workspace.releases:
                # No host has it either: nobody asks for its points any more.
                await drop_collections(workspace.store, manifest.id)
    for release_id in store.half():
        if release_id not in needed and _is_abandoned(store, release_id):
            store.remove(release_id)
            removed.append(release_id)
    await tell_stored(workspace)
    return removed


async def tell_stored(workspace: Workspace) -> None:
    """Tell the state which releases of its own the release store keeps: what they need stays, as a host's does.

    Raises UsageError where no store is set, ReleaseStoreError, and StateError.
    """
    store, own = open_release_store(workspace.settings), await workspace.state.id()
    kept = {manifest.id: manifest.journal_seq for manifest in _manifests(store, own)}
    await workspace.state.keep(kept, stored=True)


def _manifests(store: ReleaseStore, state: str | None = None) -> list[Manifest]:
    """Of the releases that can be read, and belong to `state` where one is given, oldest first."""
    found = []
    for release_id in store.ids():
        try:
            listing = store.listing(release_id)
            if state is None or listing.state == state:
                found.append(store.manifest(listing))
        except DamagedError as error:
            _log.error("%s", error)
    return found


def _is_abandoned(store: ReleaseStore, release_id: str) -> bool:
    last_write = store.last_write(release_id)
    return last_write is not None and datetime.now(UTC) - last_write > _ABANDONED
