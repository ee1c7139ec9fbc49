"""From a catalogue to a finished release: read, encode, tower, write, optimise, gate."""

import hashlib
import shutil
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from embedding.catalogue import read_catalogue
from embedding.errors import MismatchError
from embedding.id_table import IdTable, IdTableBuilder
from embedding.interactions import read_interactions
from embedding.model import Towers
from embedding.model_folder import ModelManifest, verify_model
from embedding.progress import Reporter
from embedding.rejects import Rejects, default_rejects_path
from embedding.spool import Spool
from embedding.text_vectors import CachedText
from indexing.gate import judge
from indexing.journal.log import JournalLog
from indexing.lock import build_lock
from indexing.manifest import (
    CONTENT_FOLDERS,
    FILES,
    FORMAT,
    MANIFEST,
    Counts,
    GateReport,
    Manifest,
    hash_files,
    hash_of,
    write_durably,
)
from indexing.points import PointsWriter
from indexing.releases import Releases
from indexing.store import VectorStore
from indexing.users import UsersWriter


class BuildInputs(Struct, frozen=True, kw_only=True):
    """What a release is made of; without a model it has text vectors only."""

    catalogue: Path
    model: Path | None = None
    interactions: Path | None = None


class Workshop(Struct, frozen=True, kw_only=True):
    """What a build works with, all of it handed in."""

    data_dir: Path
    store: VectorStore
    journal: JournalLog
    texts: CachedText
    rules_version: str
    max_reject_share: float
    reporter: Reporter


async def build_release(inputs: BuildInputs, shop: Workshop) -> Manifest:
    """Build a release beside the live one, which stays as it is; returns the new manifest.

    Raises BuildLockedError, RejectedInputError, MismatchError, DamagedError, GateError or StoreError; nothing of
    the unfinished release is shown, and the next build clears it away.
    """
    model = verify_model(inputs.model) if inputs.model else None
    if model is not None and model.encoder_hash not in (None, shop.texts.encoder_hash):
        raise MismatchError(
            f"Model {inputs.model} was trained with text encoder {model.encoder_hash}, the one at hand is "
            f"{shop.texts.encoder_hash}. Set `encoder` to that encoder's folder, or train again."
        )
    with build_lock(shop.data_dir):
        releases = Releases(shop.data_dir, shop.store)
        await _clear_unfinished(releases, shop.store)
        folder = releases.folder / _new_id(releases)
        folder.mkdir(parents=True)
        return await _build(folder, inputs, model, shop)


async def _build(folder: Path, inputs: BuildInputs, model: ModelManifest | None, shop: Workshop) -> Manifest:
    # Before the first row is read: what is journalled from here on is newer than the catalogue.
    journal_seq = await shop.journal.end()
    with (
        Spool(folder / "rows.spool") as spool,
        Rejects(default_rejects_path(shop.data_dir, inputs.catalogue)) as bad_rows,
        Rejects(_interaction_rejects(inputs, shop)) as bad_interactions,
    ):
        ids = _spool_catalogue(inputs.catalogue, spool, bad_rows, shop)
        users = _read_users(inputs.interactions, ids, bad_interactions, shop)
        towers = _copy_model(inputs.model, folder, model)
        writer = PointsWriter(folder, shop.store, shop.texts, towers)
        await writer.write(spool.batches(), users.popularity(), shop.reporter, total=len(ids))
        users.write(folder / "users")
        rejected = (bad_rows.rejected, bad_interactions.rejected)
    with shop.reporter.stage("optimise the index"):
        await shop.store.optimise(folder.name)
    gate = await judge(folder, writer.dims, shop.store, shop.reporter)
    counts = Counts(
        points=len(ids),
        tracks=writer.num_kind["track"],
        episodes=writer.num_kind["episode"],
        users=users.num_users,
        interactions=len(users),
        rejected_rows=rejected[0],
        rejected_interactions=rejected[1],
    )
    return _finish(folder, model, writer, counts, gate, journal_seq, shop)


def _interaction_rejects(inputs: BuildInputs, shop: Workshop) -> Path:
    return default_rejects_path(shop.data_dir, inputs.interactions or Path("interactions"))


def _spool_catalogue(catalogue: Path, spool: Spool, rejects: Rejects, shop: Workshop) -> IdTable:
    ids = IdTableBuilder()
    with shop.reporter.stage("read catalogue") as advance:
        for items in read_catalogue(catalogue, rejects):
            for item in items:
                ids.add(item.id)
            spool.append(items)
            advance(len(items))
    rejects.enforce(shop.max_reject_share)
    return ids.finish()


def _read_users(interactions: Path | None, ids: IdTable, rejects: Rejects, shop: Workshop) -> UsersWriter:
    users = UsersWriter(ids)
    if interactions is not None:
        with shop.reporter.stage("read interactions") as advance:
            for batch in read_interactions(interactions, rejects, is_item=ids.__contains__):
                users.add(batch)
                advance(len(batch))
        rejects.enforce(shop.max_reject_share)
    return users


def _copy_model(source: Path | None, folder: Path, model: ModelManifest | None) -> Towers | None:
    if source is None or model is None:
        return None
    shutil.copytree(source, folder / "model")
    return Towers.load(folder / "model")


def _finish(
    folder: Path,
    model: ModelManifest | None,
    writer: PointsWriter,
    counts: Counts,
    gate: GateReport,
    journal_seq: int,
    shop: Workshop,
) -> Manifest:
    with shop.reporter.stage("hash every file"):
        files = hash_files(folder, tuple(sorted(path.name for path in folder.iterdir() if path.is_dir())))
    files_json = msgspec.json.encode(files, order="deterministic")
    content = {name: digest for name, digest in files.items() if Path(name).parts[0] in CONTENT_FOLDERS}
    manifest = Manifest(
        format=FORMAT,
        id=folder.name,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        content=hash_of([content, shop.texts.encoder_hash]),
        files=hashlib.sha256(files_json).hexdigest(),
        space="text" if model is None else "tower",
        dims=writer.dims,
        encoder_hash=shop.texts.encoder_hash,
        model_hash=None if model is None else model.hash,
        input_fields=writer.input_fields,
        crossing=() if model is None else model.crossing,
        rules_version=shop.rules_version,
        counts=counts,
        gate=gate,
        lineage=(),
        journal_seq=journal_seq,
    )
    write_durably(folder / FILES, files_json)
    write_durably(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=2))
    return manifest


async def _clear_unfinished(releases: Releases, store: VectorStore) -> None:
    for name in releases.unfinished():
        await store.drop(name)
        shutil.rmtree(releases.folder / name, ignore_errors=True)


def _new_id(releases: Releases) -> str:
    """A name that sorts after every release there is, also when the clock went backwards."""
    now = int(datetime.now(UTC).strftime("%Y%m%d%H%M%S%f")[:-3])
    newest = max((int(manifest.id[1:]) for manifest in releases.manifests()), default=0)
    return f"r{max(now, newest + 1)}"
