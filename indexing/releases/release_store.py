"""The folder or bucket through which hosts get one another's releases.

RELEASE/objects/SHA256    a file of it, named by its content: what is there whole is never sent again, and two who
                          push at once write the same
RELEASE/release.json      its listing, written last: without it there is no release
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from embedding.errors import DamagedError, MismatchError, UsageError
from embedding.extras.registry import install_command
from embedding.progress import Advance
from indexing.errors import ReleaseMissingError
from indexing.release.manifest import Manifest
from indexing.releases.stored_listing import Listing, StoredFile, decode_listing, encode_listing
from indexing.settings import IndexingSettings

if TYPE_CHECKING:
    from indexing.releases.objects import Objects

_LISTING = "release.json"
_CHUNK_BYTES = 8 << 20


class ReleaseStore:
    """Releases in one place; every method may raise ReleaseStoreError (indexing/errors.py)."""

    def __init__(self, objects: "Objects") -> None:
        self._objects = objects

    @property
    def name(self) -> str:
        """What people call the place, without passwords."""
        return self._objects.name

    def ids(self) -> list[str]:
        """Ids of the releases that are there whole, oldest first."""
        return [name for name in self._objects.folders() if self._read_listing(name) is not None]

    def half(self) -> list[str]:
        """Ids of the releases whose push did not reach its end, or has not yet, oldest first."""
        return [name for name in self._objects.folders() if self._read_listing(name) is None]

    def find(self, release_id: str) -> Listing | None:
        """The listing of a release, None where it is not there whole; DamagedError when it cannot be read."""
        data = self._read_listing(release_id)
        return None if data is None else decode_listing(data, release_id, f"{self.name}/{release_id}/{_LISTING}")

    def listing(self, release_id: str) -> Listing:
        """As `find`; ReleaseMissingError names the releases that are there when this one is not."""
        found = self.find(release_id)
        if found is None:
            raise ReleaseMissingError(
                f"There is no release {release_id!r} in the release store {self.name}; there are: "
                f"{', '.join(self.ids()) or 'none'}. On a host that has it, run `nearfield index push {release_id}`."
            )
        return found

    def manifest(self, listing: Listing) -> Manifest:
        """The manifest of a release; DamagedError when it is not the one that the listing names."""
        data = b"".join(self.read(listing.release, listing.manifest))
        digest = hashlib.sha256(data).hexdigest()
        if digest != listing.manifest.sha256:
            raise DamagedError(
                f"The manifest of release {listing.release} in the release store {self.name} is damaged: it should "
                f"have SHA-256 {listing.manifest.sha256}, it has {digest}. On a host that has the release, run "
                f"`nearfield index push {listing.release} --verify`."
            )
        try:
            return msgspec.json.decode(data, type=Manifest)
        except msgspec.DecodeError as error:
            raise DamagedError(
                f"The manifest of release {listing.release} in the release store {self.name} cannot be read here: "
                f"{error}. Use the version of Nearfield that pushed it, or a later one."
            ) from error

    def sizes(self, release_id: str) -> dict[str, int]:
        """Bytes of the files that are there of a release, whole or half, by their SHA-256."""
        return self._objects.sizes(f"{release_id}/objects")

    def send(self, release_id: str, file: StoredFile, source: Path, advance: Advance) -> None:
        """Write a file of a release, whose content `source` has; `advance` is told of bytes."""
        self._objects.put(_object(release_id, file), source, advance)

    def read(self, release_id: str, file: StoredFile) -> Iterator[bytes]:
        """The bytes of a file in chunks, not checked; fewer than listed where it is shorter or not there."""
        for start in range(0, file.num_bytes, _CHUNK_BYTES):
            yield self._objects.read(_object(release_id, file), start, min(start + _CHUNK_BYTES, file.num_bytes)) or b""

    def digest(self, release_id: str, file: StoredFile, advance: Advance) -> str:
        """SHA-256 (hex) of a file as it is there, or of what there is of it; `advance` is told of bytes."""
        digest = hashlib.sha256()
        for data in self.read(release_id, file):
            digest.update(data)
            advance(len(data))
        return digest.hexdigest()

    def publish(self, listing: Listing) -> None:
        """Let the release be there, all of whose files are; MismatchError where one of the id with others is."""
        data = encode_listing(listing)
        if self._objects.create(f"{listing.release}/{_LISTING}", data):
            return
        self.check_same(listing)
        self._objects.replace(f"{listing.release}/{_LISTING}", data)

    def check_same(self, listing: Listing) -> Listing | None:
        """What is there of a release that is about to be pushed, None for nothing; MismatchError for another's."""
        there = self.find(listing.release)
        if there is not None and there.manifest != listing.manifest:
            raise MismatchError(
                f"The release store {self.name} has a release {listing.release} with other content: its manifest has "
                f"SHA-256 {there.manifest.sha256}, the one here {listing.manifest.sha256}. A release is never "
                "overwritten: build again, which gives a new id."
            )
        if there is not None and there.state != listing.state:
            raise MismatchError(told_state(there, self.name, listing.state))
        return there

    def last_write(self, release_id: str) -> datetime | None:
        """When a file of a release was last written there, by the store's clock; None where it cannot say."""
        times = [self._objects.changed_at(f"{release_id}/objects/{name}") for name in self.sizes(release_id)]
        known = [time for time in times if time is not None]
        return max(known) if known and len(known) == len(times) else None

    def remove(self, release_id: str) -> None:
        """Remove a release; once this began, it is there no more."""
        self._objects.remove(f"{release_id}/{_LISTING}")
        self._objects.remove(release_id)

    def _read_listing(self, release_id: str) -> bytes | None:
        if not release_id or Path(release_id).name != release_id or release_id.startswith("."):
            return None
        return self._objects.read(f"{release_id}/{_LISTING}")


def told_state(listing: Listing, store: str, state: str) -> str:
    """Why a release of another state cannot be used here."""
    return (
        f"Release {listing.release} in the release store {store} belongs to state {listing.state or 'none'}, this host "
        f"works on state {state or 'none'}: what the log changed since the release was built would be that of another "
        "catalogue. Set `state_url` to that state, or `release_store` to the place of this one."
    )


def open_release_store(settings: IndexingSettings) -> ReleaseStore:
    """The release store of the settings.

    Raises UsageError when none is set, the folder is not there, or a package is missing that its address needs; and
    ReleaseStoreError.
    """
    place = settings.release_store
    if place is None:
        raise UsageError(
            "No release store is set: `release_store` in nearfield.toml should be a folder, or an address such as "
            "s3://bucket/nearfield (docs/release-store.md)."
        )
    # 25 ms of every command's start, for those who set no store.
    import fsspec
    from fsspec.implementations.local import LocalFileSystem

    from indexing.releases.objects import FolderObjects, Objects, asked

    try:
        # Some connect here.
        with asked(_shown(place), "be opened"):
            file_system, root = fsspec.core.url_to_fs(str(place))
    except (ImportError, ValueError) as error:
        raise UsageError(f"release_store: {_shown(place)} cannot be used: {error}. {_to_install(place)}") from error
    if not isinstance(file_system, LocalFileSystem):
        return ReleaseStore(Objects(file_system, root, _shown(place)))
    if not Path(root).is_dir():
        # Made by ourselves, it would hide that a disk is not mounted.
        raise UsageError(f"release_store: expected a folder, came {root}, which is none. Make it, or mount its disk.")
    return ReleaseStore(FolderObjects(file_system, root, root))


def _shown(place: str) -> str:
    """The address without a user's name and password."""
    host = place.partition("://")[2].partition("/")[0]
    return place.replace(host, host.rpartition("@")[2], 1).rstrip("/") if "@" in host else place.rstrip("/")


def _to_install(place: str) -> str:
    from fsspec.registry import known_implementations

    protocol = place.split("::")[0].split("://")[0]
    known = known_implementations.get(protocol)
    if known is None:
        return f"fsspec knows {', '.join(sorted(known_implementations))}."
    package = "'nearfield[s3]'" if protocol in {"s3", "s3a"} else known["class"].partition(".")[0]
    if package == "fsspec":
        return f"Install what it names: {install_command('PACKAGE')}"
    return f"Install it: {install_command(package)}"


def _object(release_id: str, file: StoredFile) -> str:
    return f"{release_id}/objects/{file.sha256}"
