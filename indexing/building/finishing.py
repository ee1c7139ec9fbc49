"""The end of a build: points are optimised and pass the gate, and the manifest makes the folder a release."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Self

import msgspec
from msgspec import Struct

from embedding.durable_files import hash_of, write_durably
from embedding.errors import DamagedError
from embedding.progress import Reporter
from embedding.rows.names import NAMES_VERSION
from embedding.towers.model_folder import ModelManifest
from indexing.building.gate import judge
from indexing.building.points import write_points_again
from indexing.building.stages import (
    WrittenColumns,
    clear_marks,
    is_optimised,
    mark_optimised,
    started_with,
    unmark_optimised,
)
from indexing.building.verification import verify_points
from indexing.errors import GateError, VerificationError
from indexing.release.manifest import (
    CONTENT_FOLDERS,
    FILES,
    FORMAT,
    MANIFEST,
    GateReport,
    Manifest,
    bytes_in,
    hash_files,
)
from indexing.release.passages import collections_in, drop_collections
from indexing.rules.declaration import RuleSet
from indexing.stores.contract import VectorStore
from indexing.words.bm25 import words_hash


class Provenance(Struct, frozen=True, kw_only=True):
    """Hashes of what made the vectors, those of words too, and the pairs of kinds that the model saw heard together."""

    encoder_hash: str | None
    # What the setting `encoder` named.
    encoder: str | None
    words_hash: str
    model_hash: str | None
    crossing: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, model: ModelManifest | None, encoder_hash: str | None, encoder: str | None) -> Self:
        """Of a build with `model`, or with none."""
        return cls(
            encoder_hash=encoder_hash,
            encoder=None if encoder_hash is None else encoder,
            words_hash=words_hash(),
            model_hash=model.hash if model else None,
            crossing=model.crossing if model else (),
        )

    @property
    def space(self) -> Literal["text", "tower"]:
        """The vector that answers `similar` and `recommend`."""
        return "text" if self.model_hash is None else "tower"


async def rewrite_points(folder: Path, written: WrittenColumns, store: VectorStore, reporter: Reporter) -> None:
    """Write the points of whole columns, unless they are optimised already.

    What the engine had not flushed is lost with its process; the columns have it all.
    """
    if not is_optimised(folder):
        await drop_collections(store, folder.name)
        await write_points_again(folder, store, written.dims, written.extra_fields, reporter)


async def optimise_and_judge(
    folder: Path, written: WrittenColumns, store: VectorStore, rules: tuple[str, RuleSet], reporter: Reporter
) -> GateReport:
    """Optimise the points, verify every copy of them and judge them under `rules` (version, rules).

    Raises GateError or StoreError.
    """
    if not is_optimised(folder):
        with reporter.stage("optimise the index"):
            for collection in collections_in(folder):
                await store.optimise(collection)
        mark_optimised(folder)
    for collection in collections_in(folder):
        await store.open(collection)
    try:
        with reporter.stage("verify every copy"):
            await verify_points(folder, written, store)
        return await judge(folder, written.dims, store, rules, reporter)
    except (GateError, VerificationError):
        # The next build writes the points anew; what was read and encoded is not at fault.
        unmark_optimised(folder)
        raise


def finish(
    folder: Path,
    provenance: Provenance,
    written: WrittenColumns,
    gate: GateReport,
    rules_version: str,
    reporter: Reporter,
) -> Manifest:
    """Write the manifest: from then on the folder is a release."""
    start = started_with(folder)
    if start is None:
        raise DamagedError(f"{folder} is no longer the build that was begun there. Build again.")
    parts = tuple(sorted(path.name for path in folder.iterdir() if path.is_dir()))
    with reporter.stage("hash every file", bytes_in(folder, parts)) as advance:
        files = hash_files(folder, parts, advance)
    files_json = msgspec.json.encode(files, order="deterministic")
    content = {name: digest for name, digest in files.items() if Path(name).parts[0] in CONTENT_FOLDERS}
    manifest = Manifest(
        format=FORMAT,
        id=folder.name,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        content=hash_of([content, provenance.encoder_hash]),
        files=hashlib.sha256(files_json).hexdigest(),
        space=provenance.space,
        dims=written.dims,
        encoder_hash=provenance.encoder_hash,
        encoder=provenance.encoder,
        words_hash=provenance.words_hash,
        names_version=NAMES_VERSION,
        model_hash=provenance.model_hash,
        input_fields=written.input_fields,
        extra_fields=written.extra_fields,
        crossing=provenance.crossing,
        rules_version=rules_version,
        counts=written.counts,
        gate=gate,
        lineage=start.lineage,
        journal_seq=start.journal_seq,
    )
    write_durably(folder / FILES, files_json)
    write_durably(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=2))
    clear_marks(folder)
    return manifest
