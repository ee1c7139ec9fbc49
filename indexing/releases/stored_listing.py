"""What a release store says of a release: every file that belongs to it, by size and hash; written last of all.

It has a hash of its own, so that a byte that was changed in it is found like one in any file.
"""

import hashlib
from pathlib import PurePosixPath
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from embedding.errors import DamagedError
from indexing.release.manifest import MANIFEST

FORMAT = 1


class StoredFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A file by its content: SHA-256 in hex, and size in bytes."""

    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    num_bytes: Annotated[int, Meta(ge=0)]


class Listing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that belongs to a release, by path as it lies in a data folder."""

    release: str
    # Id of the state whose log the manifest's `journal_seq` counts in.
    state: str
    files: dict[str, StoredFile]

    @property
    def manifest(self) -> StoredFile:
        """The release's manifest, which differs wherever any file of the release does."""
        return self.files[f"releases/{self.release}/{MANIFEST}"]

    @property
    def num_bytes(self) -> int:
        """Size of all files together."""
        return sum(file.num_bytes for file in self.files.values())


class _Written(Struct, frozen=True, forbid_unknown_fields=True):
    format: int
    sha256: str
    listing: msgspec.Raw


class _Format(Struct):
    format: int


def encode_listing(listing: Listing) -> bytes:
    """The listing as it is written."""
    inside = msgspec.json.encode(listing)
    return msgspec.json.encode(_Written(FORMAT, hashlib.sha256(inside).hexdigest(), msgspec.Raw(inside)))


def decode_listing(data: bytes, release: str, where: str) -> Listing:
    """What `encode_listing` wrote of `release`; DamagedError, which names `where` it lay, for anything else."""
    try:
        found = msgspec.json.decode(data, type=_Format).format
        if found != FORMAT:
            raise DamagedError(
                f"{where} has format {found}, this version reads format {FORMAT}. "
                "Use the version of Nearfield that pushed it, or a later one."
            )
        written = msgspec.json.decode(data, type=_Written)
        digest = hashlib.sha256(written.listing).hexdigest()
        if digest != written.sha256:
            raise ValueError(f"it should have SHA-256 {written.sha256}, it has {digest}")
        listing = msgspec.json.decode(written.listing, type=Listing)
        _check(listing, release)
    except ValueError as error:
        raise DamagedError(
            f"{where} should list the files of release {release}, and cannot be read as that: {error}. "
            f"Remove it, and push the release again from a host that has it: `nearfield index push {release}`."
        ) from error
    return listing


def _check(listing: Listing, release: str) -> None:
    if listing.release != release:
        raise ValueError(f"it is of release {listing.release!r}")
    if f"releases/{release}/{MANIFEST}" not in listing.files:
        raise ValueError("it has no manifest")
    for name in listing.files:
        path = PurePosixPath(name)
        # It says where files are written on every host: nowhere but where the release's belong.
        outside = str(path) != name or ".." in path.parts
        beside = name.startswith(f"plans/{release}/") or name in {f"lines/{release}.npy", f"lines/{release}.json"}
        if outside or not (beside or is_of_release(name, release)):
            raise ValueError(f"it has a file {name!r}, which is no part of the release")


def is_of_release(name: str, release: str) -> bool:
    """Whether a file is the release's own, and not one that lies beside it and may change."""
    return name.startswith(f"releases/{release}/")
