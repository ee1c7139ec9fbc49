"""From a catalogue to a finished release: read, encode, tower, write, optimise, gate."""

import hashlib
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from embedding.catalogue import read_catalogue
from embedding.errors import DamagedError, MismatchError
from embedding.id_table import IdTable, IdTableBuilder
from embedding.interactions import read_interactions
from embedding.model import Towers
from embedding.model_folder import ModelManifest, verify_model
from embedding.progress import Reporter
from embedding.rejects import Rejects, default_rejects_path
from embedding.spool import Spool
from embedding.text_vectors import CachedText
from indexing.availability import AvailabilityClasses
from indexing.build_marks import (
    Begun,
    Written,
    begin,
    begun_with,
    clear_marks,
    fingerprint,
    is_optimised,
    mark_optimised,
    mark_written,
    unmark_optimised,
    written_in,
)
from indexing.columns import Columns
from indexing.errors import GateError
from indexing.gate import judge
from indexing.gate_live import Keeps, Side, compare, enforce
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
from indexing.points import PointsWriter, write_points_again
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
    keeps: Keeps = Keeps()
    # Finish the release in spite of what it does not keep of the live one.
    force: bool = False


async def build_release(inputs: BuildInputs, shop: Workshop) -> Manifest:
    """Build a release beside the live one, which stays as it is; returns the new manifest.

    Raises BuildLockedError, RejectedInputError, MismatchError, DamagedError, GateError or StoreError; nothing of
    the unfinished release is shown. The next build of the same inputs goes on where this one was; one of other
    inputs clears it away.
    """
    model = verify_model(inputs.model) if inputs.model else None
    if model is not None and model.encoder_hash not in (None, shop.texts.encoder_hash):
        raise MismatchError(
            f"Model {inputs.model} was trained with text encoder {model.encoder_hash}, the one at hand is "
            f"{shop.texts.encoder_hash}. Set `encoder` to that encoder's folder, or train again."
        )
    files = (inputs.catalogue, inputs.interactions)
    settings = (model and model.hash, shop.texts.encoder_hash, shop.max_reject_share)
    with build_lock(shop.data_dir):
        releases = Releases(shop.data_dir, shop.store)
        with shop.reporter.stage("hash inputs"):
            inputs_hash = fingerprint(files, *settings)
        # The journal is looked at before the first row is read: what comes after is newer than the catalogue.
        folder = await _folder_for(Begun(inputs_hash, await shop.journal.end()), releases, shop)
        return await _build(folder, inputs, model, shop)


async def _folder_for(begun: Begun, releases: Releases, shop: Workshop) -> Path:
    """The folder of an unfinished build of the same inputs, or a new one; others are cleared away."""
    found: Path | None = None
    for name in releases.unfinished():
        folder = releases.folder / name
        before = begun_with(folder)
        if before is not None and before.inputs == begun.inputs and found is None:
            found = folder
            continue
        await shop.store.drop(name)
        shutil.rmtree(folder, ignore_errors=True)
    if found is not None:
        shop.reporter.say(f"Going on with the unfinished build {found.name}")
        return found
    folder = releases.folder / _new_id(releases)
    begin(folder, begun)
    return folder


async def _build(folder: Path, inputs: BuildInputs, model: ModelManifest | None, shop: Workshop) -> Manifest:
    written = written_in(folder)
    if written is None:
        await _clear_parts(folder, shop.store)
        written = await _write(folder, inputs, model, shop)
        mark_written(folder, written)
    elif not is_optimised(folder):
        # What the engine had not flushed is lost with the process; the columns have it all.
        await shop.store.drop(folder.name)
        await write_points_again(folder, shop.store, written.dims, shop.reporter)
    if not is_optimised(folder):
        with shop.reporter.stage("optimise the index"):
            await shop.store.optimise(folder.name)
        mark_optimised(folder)
    await shop.store.open(folder.name)
    try:
        gate = await judge(folder, written.dims, shop.store, shop.reporter)
    except GateError:
        # The next build writes the points anew; what was read and encoded is not at fault.
        unmark_optimised(folder)
        raise
    with shop.reporter.stage("compare with the live release"):
        gate = replace(gate, forced=await _not_kept(folder, model, shop))
    return _finish(folder, model, written, gate, shop)


async def _not_kept(folder: Path, model: ModelManifest | None, shop: Workshop) -> tuple[str, ...]:
    """What the release does not keep of the live one, where that was forced; GateError where it was not."""
    live_id = await shop.store.live()
    if live_id is None:
        return ()
    new = Side(
        Columns(folder / "columns"),
        AvailabilityClasses.load((folder / "columns" / "classes.msgpack").read_bytes()),
        _space(model),
        model.hash if model else None,
    )
    failures = compare(new, Side.of(Releases(shop.data_dir, shop.store).open(live_id)), shop.keeps)
    if not shop.force:
        enforce(failures)
    return tuple(failure.told for failure in failures)


def _space(model: ModelManifest | None) -> Literal["text", "tower"]:
    return "text" if model is None else "tower"


async def _clear_parts(folder: Path, store: VectorStore) -> None:
    await store.drop(folder.name)
    for part in folder.iterdir() if folder.is_dir() else ():
        if part.is_dir():
            shutil.rmtree(part)


async def _write(folder: Path, inputs: BuildInputs, model: ModelManifest | None, shop: Workshop) -> Written:
    """Columns, users and model of the release, and its points on the way."""
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
    counts = Counts(
        points=len(ids),
        tracks=writer.num_kind["track"],
        episodes=writer.num_kind["episode"],
        users=users.num_users,
        interactions=len(users),
        rejected_rows=rejected[0],
        rejected_interactions=rejected[1],
    )
    return Written(counts, writer.dims, writer.input_fields)


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


def _finish(folder: Path, model: ModelManifest | None, written: Written, gate: GateReport, shop: Workshop) -> Manifest:
    begun = begun_with(folder)
    if begun is None:
        raise DamagedError(f"{folder} is no longer the build that was begun there. Build again.")
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
        space=_space(model),
        dims=written.dims,
        encoder_hash=shop.texts.encoder_hash,
        model_hash=None if model is None else model.hash,
        input_fields=written.input_fields,
        crossing=() if model is None else model.crossing,
        rules_version=shop.rules_version,
        counts=written.counts,
        gate=gate,
        lineage=(),
        journal_seq=begun.journal_seq,
    )
    write_durably(folder / FILES, files_json)
    write_durably(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=2))
    clear_marks(folder)
    return manifest


def _new_id(releases: Releases) -> str:
    """A name that sorts after every release there is, also when the clock went backwards."""
    now = int(datetime.now(UTC).strftime("%Y%m%d%H%M%S%f")[:-3])
    there = (path.name for path in releases.folder.glob("r*") if path.name[1:].isdigit())
    newest = max((int(name[1:]) for name in there), default=0)
    return f"r{max(now, newest + 1)}"
