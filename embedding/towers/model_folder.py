"""The model folder: its manifest, written atomically, every file verified by hash. Without torch."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from embedding.data.split import Split
from embedding.data.train_config import TrainConfig
from embedding.durable_files import hash_file, new_folder
from embedding.errors import DamagedError, MismatchError, NotFoundError, UsageError
from embedding.rows.schema import Kind

# Format 1: tags count by their mean (embedding/towers/candidate_tower.py). Format 3: a model may read text queries.
FORMAT = 3
MANIFEST = "manifest.json"
WEIGHTS = "model.safetensors"
CARD = "MODEL_CARD.md"


class ModelCounts(Struct, frozen=True, kw_only=True):
    """What the towers were trained on."""

    items: int
    users: int
    pairs: int
    skips: int


class ModelManifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a model says about itself; hashes are SHA-256 in hex."""

    format: int = FORMAT
    # Over this manifest (with an empty `hash`), which has a hash of every other file.
    hash: str = ""
    # Length of the towers' vectors.
    dims: int
    # None where the towers read no text; then `text_dims` is 0.
    encoder_hash: str | None
    text_dims: int
    # Item fields, besides those of the text encoder, that change a candidate's vector.
    input_fields: tuple[str, ...]
    config: TrainConfig
    split: Split
    # Of the interactions, those held out included, whatever their order (embedding/data/pairs.py).
    fingerprint: str
    counts: ModelCounts
    # Pairs of kinds of which some user liked both, or two items of one kind: of any other pair the towers have learnt
    # nothing. Models from before (kind, kind) was noted do not have it.
    crossing: tuple[tuple[Kind, Kind], ...]
    # Where it was trained: on another device the last bits differ.
    device: str
    # Epoch whose weights these are; None from before it was noted.
    epochs: int | None = None
    # Hash of the model whose weights training began with.
    warm_start: str | None = None
    # Hash of the model of more dims that this one was cut from.
    shortened_from: str | None = None
    libraries: dict[str, str]
    files: dict[str, str] = {}


def check_out(folder: Path) -> None:
    """UsageError for an out folder that holds something other than a model; called before any work is done."""
    if folder.is_dir() and ((folder / MANIFEST).is_file() or not any(folder.iterdir())):
        return
    if folder.exists():
        raise UsageError(
            f"--out {folder} is there and is not a model: expected a new or empty folder, or a model to replace."
        )


def write_model(
    out: Path,
    manifest: ModelManifest,
    write: Callable[[Path], None],
    card: Callable[[ModelManifest], str] | None = None,
) -> ModelManifest:
    """Write a model folder: `write` puts all files but the manifest into the folder it is given.

    `card`: makes the text of the model card, which no hash covers, from the finished manifest.

    Nothing is seen at `out` before all of it is on the disk; a model there is replaced in one step. Returns the
    manifest with its hashes.
    """
    check_out(out)
    with new_folder(out) as fresh:
        write(fresh)
        files = {path.relative_to(fresh).as_posix(): hash_file(path) for path in fresh.rglob("*") if path.is_file()}
        finished = msgspec.structs.replace(manifest, files=dict(sorted(files.items())))
        finished = msgspec.structs.replace(finished, hash=_hash_of_written(msgspec.json.encode(finished)))
        (fresh / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(finished), indent=2))
        if card is not None:
            (fresh / CARD).write_text(card(finished), encoding="utf-8")
    return finished


def read_manifest(folder: Path) -> ModelManifest:
    """The manifest of the model in `folder`.

    Raises NotFoundError where there is no model, MismatchError for a later format, DamagedError for a manifest
    that cannot be read or was changed.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise NotFoundError(f"No model in {folder}: expected a folder that `nearfield train --out` wrote.")
    content = path.read_bytes()
    try:
        version = msgspec.json.decode(content, type=_Version).format
        if version not in range(1, FORMAT + 1):
            raise MismatchError(
                f"The model in {folder} has format {version}; this version of Nearfield reads 1 to {FORMAT}."
            )
        manifest = msgspec.json.decode(content, type=ModelManifest)
        came = _hash_of_written(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DamagedError(f"The manifest {path} cannot be read: {error}. Train the model again.") from None
    if came != manifest.hash:
        raise DamagedError(f"The manifest {path} was changed: its hash is not {manifest.hash}. Train the model again.")
    return manifest


def verify_model(folder: Path) -> ModelManifest:
    """The manifest of the model in `folder`, every file having been checked against it.

    Raises what `read_manifest` raises, and DamagedError for a file that is missing or was changed.
    """
    manifest = read_manifest(folder)
    for name, expected in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise DamagedError(f"The model in {folder} lacks {name}. Copy it again, or train the model again.")
        if hash_file(path) != expected:
            raise DamagedError(
                f"{path} was changed after training: expected SHA-256 {expected}. Train the model again."
            )
    return manifest


class _Version(Struct):
    format: int


def _hash_of_written(content: bytes) -> str:
    """SHA-256 of a manifest with an empty `hash`, over the keys that are written: those added later change nothing."""
    fields = msgspec.json.decode(content)
    fields["hash"] = ""
    # Format 1 was hashed with names in order in these two, and written with them as they came.
    for name in ("files", "libraries"):
        fields[name] = dict(sorted(fields[name].items()))
    return hashlib.sha256(msgspec.json.encode(fields)).hexdigest()
