"""What a release says about itself: written last, so that a folder without it is an unfinished build."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from embedding.durable_files import hash_file, hash_of
from embedding.errors import DamagedError
from embedding.progress import Advance
from embedding.rows.names import FIRST_NAMES_VERSION
from indexing.errors import ReleaseMissingError
from indexing.stores.contract import POINTS

FORMAT = 3
MANIFEST = "manifest.json"
FILES = "files.json"
# Everything that the same input must give again; the engine's own files differ from build to build.
CONTENT_FOLDERS = ("columns", "passages", "users", "model")
_HALF_WRITTEN = ".atomicwrite"


class Counts(Struct, frozen=True, kw_only=True):
    """What went in and what was turned away."""

    points: int
    tracks: int
    episodes: int
    # Parts of long texts, each a point of a collection of its own.
    passages: int
    users: int
    interactions: int
    rejected_rows: int
    rejected_interactions: int


class GateReport(Struct, frozen=True, kw_only=True):
    """What was checked before the release could go live."""

    points_in_store: int
    canaries: int
    canary_recall: float
    # What the comparison with the live release found, and somebody went on in spite of.
    forced: tuple[str, ...] = ()


class Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The manifest of a release; hashes are SHA-256 in hex."""

    format: int
    id: str
    created_at: str
    # The same for the same rows, users, model and encoder.
    content: str
    # Over `files.json`, which has a hash for each file: tells damage only.
    files: str
    # The vector that answers `similar` and `recommend`.
    space: Literal["tower", "text"]
    dims: dict[str, int]
    # None: no item has a text vector, and no text can be searched for.
    encoder_hash: str | None
    # What `encoder` named when it was built: where to look first for the files of that hash. None in older releases.
    encoder: str | None = None
    # What made the sparse vectors of its words.
    words_hash: str
    # How names are compared in its columns and points (embedding/rows/names.py); older manifests do not say.
    names_version: str = FIRST_NAMES_VERSION
    model_hash: str | None
    # Item fields that change a vector when they change.
    input_fields: tuple[str, ...]
    # Pairs of kinds that the same users listened to (embedding/towers/model_folder.py); empty without a model.
    crossing: tuple[tuple[str, str], ...]
    # Fields of `extra` that its points may be filtered by, as filters know them.
    extra_fields: tuple[str, ...]
    rules_version: str
    counts: Counts
    gate: GateReport
    lineage: tuple[str, ...]
    # Number of the journal's last frame when the build began: later ones apply to this release.
    journal_seq: int


def hash_files(folder: Path, under: tuple[str, ...], advance: Advance = lambda _: None) -> dict[str, str]:
    """SHA-256 of every file below the named sub-folders, by path relative to `folder`, sorted.

    `advance` is called with the bytes of each file that was hashed.
    """
    hashes = {}
    for path in sorted(path for name in under for path in _files(folder / name)):
        hashes[str(path.relative_to(folder))] = _hash_file(path, folder)
        advance(path.stat().st_size)
    return hashes


def bytes_in(folder: Path, under: tuple[str, ...]) -> int:
    """How many bytes `hash_files` reads."""
    return sum(path.stat().st_size for name in under for path in _files(folder / name))


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        # Through such a folder Qdrant Edge replaces its configuration, at every load and close and in any process
        # that serves the release; a process that is killed just then leaves it behind.
        folders[:] = [name for name in folders if not name.startswith(_HALF_WRITTEN)]
        yield from (Path(parent) / name for name in files)


def _hash_file(path: Path, folder: Path) -> str:
    # Qdrant Edge writes its configuration anew at every load, keys in any order: what counts is what it says.
    if path.suffix == ".json" and path.relative_to(folder).parts[0].startswith(POINTS):
        return _hash_of_meaning(path)
    return hash_file(path)


def _hash_of_meaning(path: Path) -> str:
    data = path.read_bytes()
    try:
        return hash_of(msgspec.json.decode(data))
    except msgspec.DecodeError:
        return hashlib.sha256(data).hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """The manifest in `folder`; ReleaseMissingError without one, DamagedError when it cannot be understood."""
    try:
        data = (folder / MANIFEST).read_bytes()
    except FileNotFoundError:
        raise ReleaseMissingError(
            f"There is no finished release {folder.name!r} in {folder.parent}; `nearfield index status` lists them."
        ) from None
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except msgspec.DecodeError as error:
        raise DamagedError(f"{folder / MANIFEST} is damaged: {error}. Restore it or build again.") from error
    if manifest.format != FORMAT:
        raise DamagedError(
            f"{folder / MANIFEST} has format {manifest.format}, this version reads format {FORMAT}. Build again."
        )
    return manifest


def verify_files(folder: Path, manifest: Manifest) -> None:
    """Read every byte of the release again; DamagedError names the first file that differs, is missing or is new."""
    try:
        data = (folder / FILES).read_bytes()
    except FileNotFoundError:
        raise DamagedError(f"{folder / FILES} is missing: the release cannot be checked. Build again.") from None
    if hashlib.sha256(data).hexdigest() != manifest.files:
        raise DamagedError(f"{folder / FILES} is not the one that the manifest names. Build again.")
    expected = msgspec.json.decode(data, type=dict[str, str])
    found = hash_files(folder, tuple(sorted({Path(name).parts[0] for name in expected})))
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise DamagedError(
                f"Release {manifest.id} is damaged: {folder / name} should have SHA-256 "
                f"{expected.get(name, 'none (no such file)')}, it has {found.get(name, 'none (it is missing)')}. "
                "Go back with `nearfield index rollback`, or build again."
            )
