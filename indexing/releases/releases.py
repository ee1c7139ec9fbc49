"""All releases of one data folder, which of them is live, and how that changes."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from embedding.errors import DamagedError
from indexing.errors import NoLiveReleaseError, ReleaseMissingError
from indexing.release.manifest import MANIFEST, Manifest, read_manifest, verify_files
from indexing.release.release import Release
from indexing.stores.contract import VectorStore


class Activation(Struct, frozen=True, forbid_unknown_fields=True):
    """One line of `activations.jsonl`."""

    at: str
    action: Literal["activate", "rollback"]
    release: str
    previous: str | None
    # What its gate found and somebody went on in spite of.
    forced: tuple[str, ...] = ()


class Releases:
    """The releases in `data_dir/releases` and the pointer to the live one, which the store keeps."""

    def __init__(self, data_dir: Path, store: VectorStore) -> None:
        self.data_dir = data_dir
        self.folder = data_dir / "releases"
        self._log = data_dir / "activations.jsonl"
        self._store = store

    def manifests(self) -> list[Manifest]:
        """Manifests of all finished releases that can be read, oldest first; `damaged` names the others."""
        return self._read()[0]

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

    def new_id(self) -> str:
        """A name that sorts after every release there is, also when the clock went backwards."""
        now = int(datetime.now(UTC).strftime("%Y%m%d%H%M%S%f")[:-3])
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
        live = await self._store.live()
        if live is None:
            raise NoLiveReleaseError(
                "No release is live yet. Run `nearfield index build CATALOGUE --activate`, "
                "or `nearfield index activate RELEASE`."
            )
        return live

    async def activate(self, release_id: str) -> None:
        """Verify every byte of a release and its collection, then make it the live one.

        Raises ReleaseMissingError, DamagedError or MismatchError; the live release then stays as it is.
        """
        await self._switch(release_id, "activate")

    async def rollback(self) -> str:
        """Return to the release that was live before the live one was activated; gives its id.

        Raises NoLiveReleaseError when nothing came before, and what `activate` raises.
        """
        previous = await self.previous_id()
        await self._switch(previous, "rollback")
        return previous

    async def previous_id(self) -> str:
        """The release that `rollback` returns to; NoLiveReleaseError when nothing came before."""
        live = await self.live_id()
        # What was compacted into the live one shows the same rows: it is no way back.
        same = {live, *self.manifest(live).lineage}
        before: str | None = live
        for entry in reversed(self._activations()):
            if entry.action == "activate" and entry.release == before:
                before = entry.previous
                if before is not None and before not in same:
                    return before
        raise NoLiveReleaseError(f"Nothing was live before release {live}: there is nothing to go back to.")

    async def _switch(self, release_id: str, action: Literal["activate", "rollback"]) -> None:
        release = self.open(release_id)
        verify_files(release.folder, release.manifest)
        await release.check_collection(self._store)
        previous = await self._store.live()
        if previous == release_id:
            return
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        # The log comes first: a switch that it does not know could not be undone.
        self._append(Activation(now, action, release_id, previous, release.manifest.gate.forced))
        await self._store.set_live(release_id)

    def _append(self, entry: Activation) -> None:
        whole = self._whole_lines()
        with self._log.open("r+b" if self._log.exists() else "wb") as file:
            file.truncate(len(whole))
            file.seek(len(whole))
            file.write(msgspec.json.encode(entry) + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def _whole_lines(self) -> bytes:
        """The log without a last line that was torn by a crash: the switch it announced did not happen."""
        data = self._log.read_bytes() if self._log.exists() else b""
        return data[: data.rfind(b"\n") + 1]

    def _activations(self) -> list[Activation]:
        try:
            return [msgspec.json.decode(line, type=Activation) for line in self._whole_lines().splitlines()]
        except msgspec.DecodeError as error:
            raise DamagedError(
                f"{self._log} cannot be read: {error}. Remove the broken line, or use `nearfield index activate`."
            ) from error
