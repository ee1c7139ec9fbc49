"""Whether a release fits on this host before it is fetched: within `max_release_bytes`, and on the disk."""

import shutil
from contextlib import suppress

from embedding.errors import NearfieldError
from indexing.errors import NoLiveReleaseError
from indexing.releases.retention import RetentionPolicy, prune, size_of
from indexing.releases.stored_listing import Listing
from indexing.releases.workspace import Workspace


async def make_room(workspace: Workspace, listing: Listing, missing_bytes: int) -> list[str]:
    """Remove releases that nobody needs where another would be too much; their ids.

    `missing_bytes` of it are still to be fetched. NearfieldError when it does not fit all the same.
    """
    settings = workspace.settings
    removed: list[str] = []
    if settings.max_release_bytes is not None:
        left = settings.max_release_bytes - listing.num_bytes
        if _used(workspace) > left:
            keeping = RetentionPolicy(settings.keep_releases, max(left, 0), settings.pinned_releases)
            with suppress(NoLiveReleaseError):
                removed = await prune(workspace.releases, workspace.store, keeping)
        used = _used(workspace)
        if used > left:
            stay = ", ".join(manifest.id for manifest in workspace.releases.manifests()) or "none"
            raise NearfieldError(
                f"Release {listing.release} has {listing.num_bytes:,} bytes, and those that must stay here ({stay}) "
                f"have {used:,}: together more than `max_release_bytes`, {settings.max_release_bytes:,}. Set that "
                "higher, or unpin a release; the live one, the one before it and those in use stay."
            )
    free = shutil.disk_usage(settings.data_dir).free
    if free < missing_bytes:
        raise NearfieldError(
            f"Release {listing.release} needs {missing_bytes:,} more bytes on the disk of {settings.data_dir}, which "
            f"has {free:,} free. Make room there, or set `max_release_bytes` so that old releases go."
        )
    return removed


def _used(workspace: Workspace) -> int:
    folder = workspace.releases.folder
    return sum(size_of(folder / manifest.id) for manifest in workspace.releases.manifests())
