"""From a catalogue to a finished release: read, encode, tower, write, optimise, gate."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from embedding.errors import MismatchError, UsageError
from embedding.progress import Reporter
from embedding.rows.catalogue import read_catalogue
from embedding.rows.column_map.row_parsers import PLAIN_ROWS, RowParsers
from embedding.rows.id_table import IdTable, IdTableBuilder
from embedding.rows.interactions import read_interactions
from embedding.rows.names import NAMES_VERSION
from embedding.rows.rejects import Rejects, default_rejects_path
from embedding.rows.spool import Spool
from embedding.text.passages import passages_of
from embedding.text.text_vectors import TextVectors
from embedding.towers.model_folder import ModelManifest, verify_model
from embedding.towers.tower_loading import load_towers
from indexing.building.discarding import discard, discarded_on_failure
from indexing.building.finishing import Provenance, finish, optimise_and_judge, rewrite_points
from indexing.building.leftovers import remove_leftovers
from indexing.building.points import PointsWriter
from indexing.building.regression_gate import ComparedRelease, RegressionBounds, compare, enforce
from indexing.building.stages import (
    BuildStart,
    WrittenColumns,
    fingerprint,
    is_written,
    mark_started,
    mark_written,
    started_with,
    written_in,
)
from indexing.columns.columns import Columns
from indexing.payload.availability import AvailabilityClasses
from indexing.release.manifest import Counts, Manifest
from indexing.release.passages import drop_collections
from indexing.release.users import UsersWriter
from indexing.releases.known_lines import KnownLines, State, lines_path
from indexing.releases.releases import Releases
from indexing.rules.declaration import RuleSet
from indexing.state.contract import StateStore
from indexing.stores.contract import VectorStore
from indexing.words.bm25 import words_hash

if TYPE_CHECKING:
    from embedding.towers.model import Towers


class BuildInputs(Struct, frozen=True, kw_only=True):
    """What a release is made of, and how its rows are read; without a model it has text vectors only."""

    catalogue: Path
    model: Path | None = None
    interactions: Path | None = None
    rows: RowParsers = PLAIN_ROWS


class BuildDependencies(Struct, frozen=True, kw_only=True):
    """What a build works with, all of it handed in."""

    data_dir: Path
    store: VectorStore
    state: StateStore
    # NoText for a release that answers by its towers alone.
    texts: TextVectors
    # What the setting named it; the manifest keeps that.
    encoder: str | None = None
    # In force: version and rules.
    rules: tuple[str, RuleSet]
    max_reject_share: float
    reporter: Reporter
    # Fields of `extra` that the points are indexed by.
    extra_fields: tuple[str, ...] = ()
    bounds: RegressionBounds = RegressionBounds()
    # Finish the release in spite of what it does not keep of the live one.
    force: bool = False


async def build_release(inputs: BuildInputs, deps: BuildDependencies) -> Manifest:
    """Build a release beside the live one, which stays as it is; returns the new manifest.

    Raises BuildLockedError, RejectedInputError, MismatchError, DamagedError, GateError or StoreError; nothing of
    the unfinished release is shown. The next build of the same inputs goes on where this one was, if its rows were
    all written; one of other inputs clears it away.
    """
    model = verify_model(inputs.model) if inputs.model else None
    if deps.texts.encoder_hash is None:
        _refuse_without_text(model)
    elif model is not None and model.encoder_hash not in (None, deps.texts.encoder_hash):
        raise MismatchError(
            f"Model {inputs.model} was trained with text encoder {model.encoder_hash}, the one at hand is "
            f"{deps.texts.encoder_hash}. Set `encoder` to that encoder's folder, or train again."
        )
    files, column_map = (inputs.catalogue, inputs.interactions), inputs.rows.column_map
    settings = (model and model.hash, deps.texts.encoder_hash, deps.max_reject_share, deps.extra_fields)
    # What another version of this software wrote of the same rows is no part of this build.
    ways = (NAMES_VERSION, words_hash())
    async with deps.state.build_lock():
        releases = Releases(deps.data_dir, deps.store, deps.state)
        with deps.reporter.stage("hash inputs"):
            inputs_hash = fingerprint(files, *settings, *ways, *([] if column_map is None else [column_map]))
        # The journal is looked at before the first row is read: what comes after is newer than the catalogue.
        folder = await _folder_for(BuildStart(inputs_hash, await deps.state.end()), releases, deps)
        known = {*releases.folders(), *await deps.state.kept_elsewhere()}
        await remove_leftovers(deps.store, known, deps.reporter)
        async with discarded_on_failure(folder, deps.store, unless=is_written):
            manifest = await _build(folder, inputs, model, deps)
        # Before others may build: to them its collections would be left-overs of a build that died.
        await deps.state.keep(releases.kept())
        return manifest


def _refuse_without_text(model: ModelManifest | None) -> None:
    if model is None:
        raise UsageError("A release without text vectors needs a model (--model): it would have no vectors at all.")
    if model.encoder_hash is not None:
        raise MismatchError(
            f"The model reads text (encoder {model.encoder_hash}): a release of it cannot go without text vectors. "
            "Leave --no-text out, or train without the feature `text`."
        )


async def _folder_for(start: BuildStart, releases: Releases, deps: BuildDependencies) -> Path:
    """The folder of an unfinished build of the same inputs, or a new one; others are cleared away."""
    found: Path | None = None
    for name in releases.unfinished():
        folder = releases.folder / name
        before = started_with(folder)
        if before is not None and before.inputs == start.inputs and found is None:
            found = folder
            continue
        await discard(folder, deps.store)
    if found is not None:
        deps.reporter.say(f"Going on with the unfinished build {found.name}")
        return found
    folder = releases.folder / await releases.new_id()
    mark_started(folder, start)
    return folder


async def _build(folder: Path, inputs: BuildInputs, model: ModelManifest | None, deps: BuildDependencies) -> Manifest:
    written = written_in(folder)
    if written is None:
        await _clear_parts(folder, deps.store)
        written = await _write(folder, inputs, model, deps)
        mark_written(folder, written)
    else:
        await rewrite_points(folder, written, deps.store, deps.reporter)
    provenance = Provenance.of(model, deps.texts.encoder_hash, deps.encoder)
    gate = await optimise_and_judge(folder, written, deps.store, deps.rules, deps.reporter)
    with deps.reporter.stage("compare with the live release"):
        gate = replace(gate, forced=await _not_kept(folder, provenance, deps))
    return finish(folder, provenance, written, gate, deps.rules[0], deps.reporter)


async def _not_kept(folder: Path, provenance: Provenance, deps: BuildDependencies) -> tuple[str, ...]:
    """What the release does not keep of the live one, where that was forced; GateError where it was not."""
    live_id = await deps.state.live()
    if live_id is None:
        return ()
    new = ComparedRelease(
        Columns(folder / "columns"),
        AvailabilityClasses.load((folder / "columns" / "classes.msgpack").read_bytes()),
        provenance.space,
        provenance.model_hash,
    )
    failures = compare(
        new, ComparedRelease.of(Releases(deps.data_dir, deps.store, deps.state).open(live_id)), deps.bounds
    )
    if not deps.force:
        enforce(failures)
    return tuple(failure.told for failure in failures)


async def _clear_parts(folder: Path, store: VectorStore) -> None:
    await drop_collections(store, folder.name)
    for part in folder.iterdir() if folder.is_dir() else ():
        if part.is_dir():
            shutil.rmtree(part)


async def _write(
    folder: Path, inputs: BuildInputs, model: ModelManifest | None, deps: BuildDependencies
) -> WrittenColumns:
    """Columns, users and model of the release, and its points on the way."""
    with (
        Spool(folder / "rows.spool") as spool,
        Rejects(default_rejects_path(deps.data_dir, inputs.catalogue)) as bad_rows,
        Rejects(_interaction_rejects(inputs, deps)) as bad_interactions,
    ):
        lines = KnownLines(None, bytearray())
        ids, num_passages = _spool_catalogue(inputs, spool, bad_rows, lines, deps)
        rows = np.arange(len(ids), dtype=np.int32)
        lines.save(lines_path(deps.data_dir, folder.name), State.of(folder.name, 0), rows)
        users = _read_users(inputs, ids, bad_interactions, deps)
        towers = _copy_model(inputs.model, folder, model)
        writer = PointsWriter(folder, deps.store, deps.texts, towers, deps.extra_fields)
        await writer.write(
            spool.batches(), users.popularity(), deps.reporter, total=len(ids), num_passages=num_passages
        )
        users.write(folder / "users")
        rejected = (bad_rows.rejected, bad_interactions.rejected)
    counts = Counts(
        points=len(ids),
        tracks=writer.num_kind["track"],
        episodes=writer.num_kind["episode"],
        passages=writer.num_passages,
        users=users.num_users,
        interactions=len(users),
        rejected_rows=rejected[0],
        rejected_interactions=rejected[1],
    )
    return WrittenColumns(counts, writer.dims, writer.input_fields, writer.extra_fields)


def _interaction_rejects(inputs: BuildInputs, deps: BuildDependencies) -> Path:
    return default_rejects_path(deps.data_dir, inputs.interactions or Path("interactions"))


def _spool_catalogue(
    inputs: BuildInputs, spool: Spool, rejects: Rejects, lines: KnownLines, deps: BuildDependencies
) -> tuple[IdTable, int]:
    """The ids of the catalogue's rows, and the number of passages that are to be encoded."""
    ids, num_passages = IdTableBuilder(), 0
    has_text = deps.texts.encoder_hash is not None
    with deps.reporter.stage("read catalogue") as advance:
        for items in read_catalogue(inputs.catalogue, rejects, unchanged=lines, parser=inputs.rows.catalogue):
            for item in items:
                ids.add(item.id)
                num_passages += len(passages_of(item)) if has_text else 0
            spool.append(items)
            advance(len(items))
    rejects.enforce(deps.max_reject_share)
    return ids.finish(), num_passages


def _read_users(inputs: BuildInputs, ids: IdTable, rejects: Rejects, deps: BuildDependencies) -> UsersWriter:
    users = UsersWriter(ids)
    if inputs.interactions is not None:
        with deps.reporter.stage("read interactions") as advance:
            for batch in read_interactions(inputs.interactions, rejects, users.knows, inputs.rows.interactions):
                users.add(batch)
                advance(len(batch))
        rejects.enforce(deps.max_reject_share)
    return users


def _copy_model(source: Path | None, folder: Path, model: ModelManifest | None) -> "Towers | None":
    if source is None or model is None:
        return None
    shutil.copytree(source, folder / "model")
    return load_towers(folder / "model")
