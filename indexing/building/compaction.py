"""What the live release shows becomes a release of its own, so that the journal starts small again: nothing is encoded.

A compaction is no new build: it names the build that it goes back to, and `rollback` passes it over.
"""

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedding.durable_files import hash_of
from embedding.errors import NearfieldError
from embedding.progress import Reporter
from indexing.building.compaction_due import is_due
from indexing.building.discarding import discard, discarded_on_failure
from indexing.building.finishing import Provenance, finish, optimise_and_judge, rewrite_points
from indexing.building.stages import BuildStart, WrittenColumns, mark_started, mark_written
from indexing.columns.arrangement_features import ArrangementFeaturesWriter
from indexing.columns.columns import ColumnsWriter
from indexing.columns.field_columns import FieldColumnsWriter
from indexing.columns.presorted import PresortedListsWriter
from indexing.errors import HostsBehindError
from indexing.journal.current_rows import CurrentRows
from indexing.release.manifest import Counts, Manifest
from indexing.release.passages import PassagesWriter
from indexing.releases.activation import activate
from indexing.releases.known_lines import State, carry_lines
from indexing.releases.push import push_release
from indexing.releases.releases import NOBODY, Author
from indexing.releases.store_retention import prune_release_store
from indexing.releases.workspace import Workspace

_BATCH = 4_096
_GONE = -1


async def compact(
    workspace: Workspace, reporter: Reporter, *, only_if_due: bool = False, author: Author = NOBODY
) -> Manifest | None:
    """Build a release of what is live now, beside it, and make it live; what is journalled meanwhile applies to both.

    None, and nothing done, `only_if_due` where the journal holds no more than the settings allow.

    Raises BuildLockedError, NoLiveReleaseError, MismatchError, GateError or StoreError, and NearfieldError while a row
    waits for the encoder of the live release; the live release then stays.
    """
    data_dir = workspace.settings.data_dir
    # Before the lock, which would leave a folder where nothing is to be compacted.
    await workspace.releases.live_id()
    async with workspace.state.build_lock():
        live = await workspace.live()
        if only_if_due and not is_due(live, workspace.settings.max_journal_share):
            return None
        if live.unencoded:
            raise NearfieldError(
                f"{len(live.unencoded)} rows of the journal have no vectors for release {live.release.id} yet. "
                f"Run `nearfield index activate {live.release.id}`, which encodes them."
            )
        live.release.checked_words_way()
        manifest = live.release.manifest
        folder = await _begin(workspace, live)
        async with discarded_on_failure(folder, workspace.store):
            written, places = _write(folder, live, reporter)
            mark_written(folder, written)
            await rewrite_points(folder, written, workspace.store, reporter)
            rules = await workspace.state.rules()
            gate = await optimise_and_judge(folder, written, workspace.store, rules, reporter)
            provenance = Provenance(
                encoder_hash=manifest.encoder_hash,
                encoder=manifest.encoder,
                # Of most rows there is no text any more of which words could be made another way.
                words_hash=manifest.words_hash,
                model_hash=manifest.model_hash,
                crossing=manifest.crossing,
            )
            compacted = finish(folder, provenance, written, gate, rules[0], reporter)
        before = State.of(manifest.id, live.rows_seq)
        carry_lines(data_dir, before, State.of(compacted.id, 0), places)
        if workspace.settings.release_store is not None:
            await push_release(workspace, compacted.id, reporter)
        await workspace.state.keep(workspace.releases.kept())
        try:
            await activate(workspace, compacted.id, author=author)
        except HostsBehindError:
            # Not worth a switch that leaves hosts behind: the journal is compacted another time.
            await discard(folder, workspace.store)
            await workspace.state.keep(workspace.releases.kept())
            raise
        if workspace.settings.release_store is not None:
            await prune_release_store(workspace)
        return compacted


async def _begin(workspace: Workspace, live: CurrentRows) -> Path:
    """A new folder; what other builds and compactions left unfinished goes, as with any build of other inputs."""
    for name in workspace.releases.unfinished():
        await discard(workspace.releases.folder / name, workspace.store)
    manifest = live.release.manifest
    folder = workspace.releases.folder / await workspace.releases.new_id()
    inputs = hash_of(["compaction", manifest.id, live.seq])
    mark_started(folder, BuildStart(inputs, live.seq, (*manifest.lineage, manifest.id)))
    return folder


def _write(folder: Path, live: CurrentRows, reporter: Reporter) -> tuple[WrittenColumns, NDArray[np.int32]]:
    """Columns, users and model, in the order of the live rows; and the place of each row that there was (-1: gone)."""
    release, dims = live.release, live.release.manifest.dims
    columns = folder / "columns"
    fields = FieldColumnsWriter(release.manifest.extra_fields)
    presorted, features = PresortedListsWriter(), ArrangementFeaturesWriter()
    kinds: Counter[str] = Counter()
    places = np.full(len(live.dropped), _GONE, np.int32)
    own_places = np.full(live.num_own, _GONE, np.int32)
    num_rows = 0
    with ExitStack() as files:
        writer = files.enter_context(ColumnsWriter(columns, dims))
        passages = files.enter_context(PassagesWriter(folder, dims.get("text", 0)))
        with reporter.stage("copy rows", live.num_own) as advance:
            for rows in _batches(live):
                payloads = [live.payload(row) for row in rows]
                vectors = {space: live.vectors(space, rows) for space in dims}
                writer.append(payloads, [live.hashes(row) for row in rows], vectors, live.words(rows))
                fields.add(payloads)
                presorted.add(payloads)
                features.add(payloads)
                kinds.update(payload.kind for payload in payloads)
                for place, row in enumerate(rows, start=num_rows):
                    places[row] = place
                    of_row = live.passages(row)
                    passages.append([place] * len(of_row.offsets), of_row.offsets, of_row.vectors())
                    own = live.origin(row)
                    if own != _GONE:
                        own_places[own] = place
                num_rows += len(rows)
                advance(len(rows))
        with reporter.stage("write columns"):
            files.close()
            (columns / "classes.msgpack").write_bytes(release.classes.dump())
            fields.save(columns)
            presorted.save(columns)
            features.save(columns)
    release.users.save_moved(folder / "users", own_places)
    if release.model_folder is not None:
        shutil.copytree(release.model_folder, folder / "model")
    before = release.manifest.counts
    counts = Counts(
        points=num_rows,
        tracks=kinds["track"],
        episodes=kinds["episode"],
        passages=len(passages),
        users=before.users,
        interactions=before.interactions,
        rejected_rows=0,
        rejected_interactions=0,
    )
    return WrittenColumns(counts, dims, release.manifest.input_fields, release.manifest.extra_fields), places


def _batches(live: CurrentRows) -> Iterator[list[int]]:
    rows = live.rows()
    while batch := list(islice(rows, _BATCH)):
        yield batch
