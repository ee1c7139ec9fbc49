"""The vectors of what a release shows, whatever the rules say: for files and notebooks, never for listeners."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from embedding.errors import UsageError
from embedding.protocols import Vectors
from indexing.journal.current_rows import CurrentRows
from indexing.journal.replay import current_rows
from indexing.release.release import Release
from indexing.releases.workspace import Workspace

LIVE = "live"
"""In place of a release's id: the live one."""

# Gathered at a time: 20 MB at 384 dims.
_BATCH = 1 << 13


async def open_shown(workspace: Workspace, release_id: str) -> CurrentRows:
    """What a release shows now. Raises ReleaseMissingError, which names those that there are, NoLiveReleaseError,
    DamagedError, and MismatchError where the log does not have all that changed since its build."""
    release = workspace.releases.open(await workspace.releases.live_id() if release_id == LIVE else release_id)
    await workspace.releases.check_log(release.manifest)
    return await current_rows(release, workspace.state)


def space_of(release: Release, space: str | None) -> str:
    """The named vector that `space` means, the release's own where it is None; UsageError says which there are."""
    if space is None:
        return release.space
    if space not in release.manifest.dims:
        there = ", ".join(sorted(release.manifest.dims))
        raise UsageError(f"Release {release.id} has no vectors called {space!r}: expected one of {there}.")
    return space


def shown_rows(rows: CurrentRows) -> NDArray[np.int64]:
    """Row numbers (N,), ascending, of the items that it has now: what was put since the build is among them, what was
    removed, taken down or not encoded yet is not."""
    return np.flatnonzero(np.frombuffer(bytes(rows.dropped), np.uint8) == 0)


def shown_vectors(rows: CurrentRows, space: str) -> Iterator[tuple[list[str], Vectors]]:
    """Ids and unit vectors (n, dims) of `shown_rows`, in their order, in batches."""
    numbers = shown_rows(rows)
    for start in range(0, len(numbers), _BATCH):
        part = numbers[start : start + _BATCH]
        yield [rows.id_of(row) for row in part.tolist()], rows.vectors(space, part)
