"""All releases of one data folder, which of them is live, and how that changes."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from msgspec import Struct

from embedding.errors import DamagedError, MismatchError
from indexing.errors import NoLiveReleaseError, ReleaseMissingError
from indexing.release.manifest import MANIFEST, Manifest, read_manifest, verify_files
from indexing.release.release import Release
from indexing.state.contract import Activation, StateStore
from indexing.stores.contract import VectorStore


class Author(Struct, frozen=True):
    """Who switches and why; whether rows are opened wider by it, and which hosts were not waited for."""

    by: str = ""
    why: str = ""
    widened: bool = False
    without: tuple[str, ...] = ()


NOBODY = Author()


class Releases:
    """The releases in `data_dir/releases`; which of them is live is the state's to say."""

    def __init__(self, data_dir: Path, store: VectorStore, state: StateStore) -> None:
        self.data_dir = data_dir
        self.folder = data_dir / "releases"
        self._store = store
        self.state = state

    def manifests(self) -> list[Manifest]:
        """Manifests of all finished releases that can be read, oldest first; `damaged` names the others."""
        return self._read()[0]

    def kept(self) -> dict[str, int]:
        """The releases here, each with the number of the log at which it was built: what a host keeps."""
        return {manifest.id: manifest.journal_seq for manifest in self.manifests()}

    def damaged(self) -> dict[str, str]:
        """Releases whose manifest cannot be read, by name, with the reason: they keep nobody from using the others."""
        return self._read()[1]

    def _read(self) -> tuple[list[Manifest], dict[str, str]]:
        found: list[Manifest] = []
        damaged: dict[str, str] = {}
        for path in sorted(self.folder.glob(f"*/{MANIFEST}")):
            try:
                found.append(read_manifest(path.parent))
            except DamagedError as error:
                damaged[path.parent.name] = str(error)
        return found, damaged

    def folders(self) -> list[str]:
        """Names of all releases that have a folder here, finished or not, oldest first."""
        return sorted(path.name for path in self.folder.iterdir() if path.is_dir()) if self.folder.is_dir() else []

    def unfinished(self) -> list[str]:
        """Names of builds that did not reach their end (or have not yet), oldest first."""
        return [name for name in self.folders() if not (self.folder / name / MANIFEST).exists()]

    async def new_id(self) -> str:
        """A name that sorts after every release there is, also when the clock went backwards."""
        now = int(datetime.fromtimestamp(await self.state.now(), UTC).strftime("%Y%m%d%H%M%S%f")[:-3])
        there = (path.name for path in self.folder.glob("r*") if path.name[1:].isdigit())
        newest = max((int(name[1:]) for name in there), default=0)
        return f"r{max(now, newest + 1)}"

    def open(self, release_id: str) -> Release:
        """Open a finished release; ReleaseMissingError when there is none of that id."""
        return Release(self._folder_of(release_id))

    def manifest(self, release_id: str) -> Manifest:
        """The manifest of a finished release; ReleaseMissingError when there is none of that id."""
        return read_manifest(self._folder_of(release_id))

    def __contains__(self, release_id: str) -> bool:
        return (self.folder / release_id / MANIFEST).is_file()

    def _folder_of(self, release_id: str) -> Path:
        folder = self.folder / release_id
        if Path(release_id).name != release_id or not (folder / MANIFEST).is_file():
            known = ", ".join(manifest.id for manifest in self.manifests()) or "none"
            raise ReleaseMissingError(f"There is no finished release {release_id!r}; there are: {known}.")
        return folder

    async def live_id(self) -> str:
        """Id of the live release; NoLiveReleaseError before the first activation."""
        live = await self.state.live()
        if live is None:
            raise NoLiveReleaseError(
                "No release is live yet. Run `nearfield index build CATALOGUE --activate`, "
                "or `nearfield index activate RELEASE`."
            )
        return live

    async def activate(self, release_id: str, author: Author = NOBODY) -> None:
        """Verify every byte of a release and its collection, then make it the live one.

        Raises ReleaseMissingError, DamagedError or MismatchError; the live release then stays as it is.
        """
        await self._switch(release_id, "activate", author)

    async def rollback(self, author: Author = NOBODY) -> str:
        """Return to the release that was live before the live one was activated; gives its id.

        Raises NoLiveReleaseError when nothing came before, and what `activate` raises.
        """
        previous = await self.previous_id()
        await self._switch(previous, "rollback", author)
        return previous

    async def previous_id(self) -> str:
        """The release that `rollback` returns to; NoLiveReleaseError when nothing came before."""
        live = await self.live_id()
        # What was compacted into the live one shows the same rows: it is no way back.
        same = {live, *self.manifest(live).lineage}
        before: str | None = live
        for entry in reversed(await self.state.activations()):
            if entry.action == "activate" and entry.release == before:
                before = entry.previous
                if before is not None and before not in same:
                    return before
        raise NoLiveReleaseError(f"Nothing was live before release {live}: there is nothing to go back to.")

    async def check_log(self, manifest: Manifest) -> None:
        """`check_reach` of the log as it is now."""
        self.check_reach(manifest, await self.state.begins(), await self.state.end())

    @staticmethod
    def check_reach(manifest: Manifest, begins: int, end: int) -> None:
        """MismatchError where a log from `begins` to `end` has not all that changed since the build of this release."""
        if manifest.journal_seq > end:
            raise MismatchError(
                f"Release {manifest.id} was built when the log had reached {manifest.journal_seq}, this one ends at "
                f"{end}: the release belongs to another state, or this one was restored from before the build. "
                "Build again."
            )
        if manifest.journal_seq < begins:
            raise MismatchError(
                f"Release {manifest.id} was built when the log had reached {manifest.journal_seq}, this one was cut at "
                f"{begins}, behind the oldest release that any host kept: changes that it needs are gone. Build again."
            )

    async def _switch(self, release_id: str, action: Literal["activate", "rollback"], author: Author) -> None:
        release = self.open(release_id)
        verify_files(release.folder, release.manifest)
        await release.check_collection(self._store)
        await self.check_log(release.manifest)
        previous = await self.state.live()
        if previous == release_id:
            return
        at = datetime.fromtimestamp(await self.state.now(), UTC).isoformat(timespec="milliseconds")
        forced = release.manifest.gate.forced
        await self.state.switch(
            Activation(at, action, release_id, previous, forced, author.by, author.why, author.widened, author.without)
        )
