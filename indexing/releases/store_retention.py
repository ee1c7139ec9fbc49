"""Which releases go from the release store: as on a host's disk, and never one that any host may still ask for."""

import logging
from datetime import UTC, datetime, timedelta

from embedding.errors import DamagedError
from indexing.errors import NoLiveReleaseError
from indexing.release.manifest import Manifest
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
        needed |= await workspace.state.kept_elsewhere()
    except NoLiveReleaseError:
        return []
    manifests = _manifests(store)
    needed |= {manifest.id for manifest in manifests if manifest.id > live}
    # As many as on a disk; `max_release_bytes` is about a disk alone.
    keeping = RetentionPolicy(settings.keep_releases, None, settings.pinned_releases)
    surplus = Surplus(manifests, {}, needed, keeping)
    removed: list[str] = []
    for manifest in manifests:
        if surplus.has(manifest.id, removed):
            store.remove(manifest.id)
            removed.append(manifest.id)
    for release_id in store.half():
        if release_id not in needed and _is_abandoned(store, release_id):
            store.remove(release_id)
            removed.append(release_id)
    return removed


def _manifests(store: ReleaseStore) -> list[Manifest]:
    found = []
    for release_id in store.ids():
        try:
            found.append(store.manifest(store.listing(release_id)))
        except DamagedError as error:
            _log.error("%s", error)
    return found


def _is_abandoned(store: ReleaseStore, release_id: str) -> bool:
    last_write = store.last_write(release_id)
    return last_write is not None and datetime.now(UTC) - last_write > _ABANDONED
