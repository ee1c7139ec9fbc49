"""Which old releases go: those beyond a number or a budget of bytes that nothing needs and nobody uses."""

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec import Struct

from embedding.errors import NotFoundError
from indexing.release.manifest import MANIFEST, Manifest
from indexing.release.passages import drop_collections
from indexing.releases.known_lines import forget_lines
from indexing.releases.releases import Releases
from indexing.search.plans_file import forget_plans
from indexing.stores.contract import VectorStore

_IN_USE = "in-use"


class RetentionPolicy(Struct, frozen=True):
    """How many releases stay, within how many bytes on this disk, and which stay whatever happens.

    A build and its compactions count as one.
    """

    num: int
    max_bytes: int | None
    pinned: Sequence[str]


def hold(folder: Path) -> int | None:
    """Say that this process uses the release in `folder`, until the descriptor is closed or the process ends.

    None where the folder may not be written: then nobody can remove the release either.
    """
    try:
        descriptor = os.open(folder / _IN_USE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError:
        return None
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


class Surplus:
    """Which of some releases are beyond what a policy keeps; `sizes` in bytes, `needed` are those that never go."""

    def __init__(
        self, manifests: Sequence[Manifest], sizes: Mapping[str, int], needed: Set[str], keeping: RetentionPolicy
    ) -> None:
        self._sizes, self._needed, self._keeping = sizes, needed, keeping
        self._build_of = {manifest.id: (*manifest.lineage, manifest.id)[0] for manifest in manifests}
        self._compacted = {older for manifest in manifests for older in manifest.lineage[:-1]}

    def has(self, release_id: str, removed: Sequence[str]) -> bool:
        """Whether a release is to go where those `removed` are gone already; ask for the oldest first."""
        left = [other for other in self._build_of if other not in removed]
        max_bytes = self._keeping.max_bytes
        over = max_bytes is not None and sum(self._sizes[other] for other in left) > max_bytes
        num_builds = len({self._build_of[other] for other in left})
        return release_id not in self._needed and (
            over or num_builds > self._keeping.num or release_id in self._compacted
        )


async def needed_releases(releases: Releases, pinned: Sequence[str]) -> set[str]:
    """The live release, the one that was compacted into it, the one that `rollback` would return to, and pinned ones.

    NoLiveReleaseError where nothing is live.
    """
    live = await releases.live_id()
    needed = {live, *pinned}
    # Nothing came before, or the live one is not on this host.
    with suppress(NotFoundError):
        needed.update(releases.manifest(live).lineage[-1:])
        needed.add(await releases.previous_id())
    return needed


async def prune(releases: Releases, store: VectorStore, keeping: RetentionPolicy) -> list[str]:
    """Remove what is not to stay, oldest first; the ids of the releases removed.

    Never the live release, the one that `rollback` would return to, a pinned one, or one that a process holds. What
    was compacted goes with the next compaction but one: until then the pages that were begun on it can be turned.
    """
    manifests = releases.manifests()
    needed = await needed_releases(releases, keeping.pinned)
    sizes = {manifest.id: size_of(releases.folder / manifest.id) for manifest in manifests}
    surplus = Surplus(manifests, sizes, needed, keeping)
    elsewhere = await releases.state.kept_elsewhere()
    removed: list[str] = []
    for manifest in manifests:
        release_id, folder = manifest.id, releases.folder / manifest.id
        if not surplus.has(release_id, removed):
            continue
        with _unused(folder) as unused:
            if unused:
                # Without its manifest it is no release any more, also when this is killed half way.
                (folder / MANIFEST).unlink()
                if release_id not in elsewhere:
                    await drop_collections(store, release_id)
                shutil.rmtree(folder, ignore_errors=True)
                forget_plans(releases.folder.parent, release_id)
                forget_lines(releases.folder.parent, release_id)
                removed.append(release_id)
    return removed


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum((Path(parent) / name).stat().st_size for parent, _, names in os.walk(folder) for name in names)


@contextmanager
def _unused(folder: Path) -> Iterator[bool]:
    with (folder / _IN_USE).open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
