"""A compaction shows what was shown before it, encodes nothing, and is no way back of its own."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from embedding.errors import NearfieldError
from embedding.rows.schema import Window
from indexing.building.compaction import compact
from indexing.errors import BuildLockedError, NoLiveReleaseError
from indexing.journal.takedowns import lift, take_down
from indexing.release.manifest import Manifest
from indexing.releases.activation import activate, rollback
from indexing.releases.known_lines import State, lines_path, load_lines
from indexing.releases.releases import Releases
from indexing.releases.workspace import Workspace
from indexing.state.records import Put, Removed
from indexing.sync import run
from indexing.words.bm25 import as_bytes
from tests.indexing.at_work import build, item, put, rows_of, within
from tests.indexing.kinds_of_store import EmbeddedStores, Stores
from tests.indexing.release_worlds import NUM_ITEMS, QUIET, Source, edited
from tests.indexing.sync.test_sync import use

NEW = "item-new"


async def changed_world(workspace: Workspace, source: Source) -> str:
    """A live release, and each kind of change in the journal; its id."""
    base = await build(workspace, source)
    await put(
        workspace,
        item(1, title="Another title for number one"),
        item(2, availability=(Window("JP"),)),
        msgspec.structs.replace(item(3), id=NEW, text="whales singing far below"),
    )
    await workspace.state.append([Removed("item-4")])
    await take_down(workspace.state, ["item-5", "item-unheard-of"])
    return base


async def make(workspace: Workspace) -> Manifest:
    made = await compact(workspace, QUIET)
    assert made is not None
    return made


async def shown(workspace: Workspace, release_id: str) -> dict[str, Any]:
    """All that answers are made of: payload, hashes, vectors and words of each row by id, and what is hidden."""
    rows = await rows_of(workspace, release_id)
    return {
        rows.id_of(row): (
            # A release keeps creators' keys in an order of its own.
            rows.payload(row),
            bytes(rows.hashes(row)),
            {space: rows.vectors(space, [row])[0].tobytes() for space in rows.release.manifest.dims},
            as_bytes(rows.words([row]).row(0)),
            rows.find(rows.id_of(row)) < 0,
        )
        for row in rows.rows()
    }


def test_what_is_shown_stays_to_the_last_bit_and_the_journal_starts_anew(stores: Stores, source: Source) -> None:
    async def work(workspace: Workspace) -> None:
        base = await changed_world(workspace, source)
        before = await shown(workspace, base)
        made = await make(workspace)
        assert await workspace.releases.live_id() == made.id
        assert await shown(workspace, made.id) == before
        assert set(before) == {f"item-{n}" for n in range(NUM_ITEMS) if n != 4} | {NEW}
        after = await rows_of(workspace, made.id)
        assert (after.num_journalled, after.revision) == (0, 0)
        assert made.counts.points == NUM_ITEMS == await workspace.store.count(made.id)
        # The engine has the same vectors in the same rows.
        for space in made.dims:
            stored = await workspace.store.vectors(made.id, list(range(NUM_ITEMS)), using=space)
            assert np.allclose(stored, after.vectors(space, list(range(NUM_ITEMS))), atol=1e-5)

    within(stores, source, work)


def test_listeners_keep_what_they_heard(stores: Stores, source: Source) -> None:
    def heard(releases: Releases, release_id: str, removed: str) -> dict[str, Any]:
        release = releases.open(release_id)
        found = {}
        for user in range(30):
            history = release.users.find(f"user-{user}")
            assert history is not None
            ids = [release.columns.ids.id_at(int(row)) for row in history.rows]
            kept = [(id, float(weight)) for id, weight in zip(ids, history.weights, strict=True) if id != removed]
            assert list(history.heard) == sorted(history.heard)
            everything = {release.columns.ids.id_at(int(row)) for row in history.heard} - {removed}
            found[f"user-{user}"] = kept, everything
        return found

    async def work(workspace: Workspace) -> None:
        base = await changed_world(workspace, source)
        before = heard(workspace.releases, base, "item-4")
        # Somebody heard the row that was given another number.
        assert any("item-1" in everything for _, everything in before.values())
        made = await make(workspace)
        assert heard(workspace.releases, made.id, "item-4") == before

    within(stores, source, work)


def test_changes_made_meanwhile_and_afterwards_apply_to_it(stores: Stores, source: Source) -> None:
    async def work(workspace: Workspace) -> None:
        await changed_world(workspace, source)
        other = stores.state()
        async with other.build_lock():
            assert await workspace.state.build_holder() is not None
            with pytest.raises(BuildLockedError):
                await compact(workspace, QUIET)
        await other.close()
        assert await workspace.state.build_holder() is None
        made = await make(workspace)
        await put(workspace, item(7, title="Changed after it"))
        await lift(workspace.state, ["item-5"])
        await take_down(workspace.state, [NEW])
        rows = await rows_of(workspace, made.id)
        assert rows.payload(rows.row_of("item-7")).title == "Changed after it"
        assert rows.find("item-5") >= 0
        assert rows.find(NEW) < 0
        again = await make(workspace)
        assert again.lineage == (*made.lineage, made.id)
        rows = await rows_of(workspace, again.id)
        assert rows.find(NEW) < 0 <= rows.row_of(NEW)
        assert rows.payload(rows.row_of("item-7")).title == "Changed after it"

    within(stores, source, work)


def test_rollback_undoes_the_build_whatever_was_compacted(stores: Stores, source: Source, tmp_path: Path) -> None:
    async def work(workspace: Workspace) -> None:
        first = await build(workspace, source)
        await make(workspace)
        with pytest.raises(NoLiveReleaseError, match="nothing to go back to"):
            await workspace.releases.rollback()
        first_compacted = await workspace.releases.live_id()
        catalogue = edited(source.catalogue, tmp_path / "next.jsonl", lambda row: row.update(album="A new one"))
        await build(workspace, source, catalogue=catalogue)
        await put(workspace, item(1, title="Another"))
        newest = [(await make(workspace)).id for _ in range(2)][-1]
        assert await rollback(workspace, widen=True) == first_compacted
        assert first_compacted != first
        # Forward again, and back as before.
        await activate(workspace, newest)
        assert await workspace.releases.previous_id() == first_compacted

    within(stores, source, work)


def test_a_build_and_its_compactions_count_as_one_and_old_ones_go(stores: Stores, source: Source) -> None:
    async def work(workspace: Workspace) -> None:
        base = await build(workspace, source)
        made = [await make(workspace) for _ in range(3)]
        # The last one and the one compacted into it, on which pages may have begun.
        assert [manifest.id for manifest in workspace.releases.manifests()] == [made[1].id, made[2].id]
        assert base not in workspace.releases
        assert made[2].lineage == (base, made[0].id, made[1].id)

    within(stores, source, work)


def test_nothing_happens_where_it_is_not_due(stores: Stores, source: Source) -> None:
    async def work(workspace: Workspace) -> None:
        base = await changed_world(workspace, source)
        assert await compact(workspace, QUIET, only_if_due=True) is None
        assert await workspace.releases.live_id() == base
        few = [Put(msgspec.structs.replace(item(1), id=f"extra-{n}"), {}, {}) for n in range(1_100)]
        with workspace.texts() as texts:
            one = workspace.record_encoder.puts([item(1)], await workspace.live(), texts)[0]
        await workspace.state.append([Put(put_.item, one.text, one.tower) for put_ in few])
        made = await compact(workspace, QUIET, only_if_due=True)
        assert made is not None
        assert made.counts.points == NUM_ITEMS + 1_100

    within(stores, source, work)


def test_lines_that_a_sync_knew_are_known_after_it(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(row: dict[str, Any]) -> None:
        if row["id"] in {"item-10", "item-20"}:
            row["album"] = "A new one"

    catalogue = edited(source.catalogue, tmp_path / "newer.jsonl", change)

    async def work(workspace: Workspace) -> None:
        use(monkeypatch, workspace)
        await build(workspace, source)
        await run.run_sync(catalogue, workspace.settings, QUIET)
        made = await make(workspace)
        live = await workspace.live()
        known = load_lines(lines_path(workspace.settings.data_dir, made.id), State.of(made.id, live.rows_seq))
        assert known is not None
        assert sorted(known["row"].tolist()) == list(range(NUM_ITEMS))
        outcome = await run.run_sync(catalogue, workspace.settings, QUIET)
        assert (outcome.diff.unchanged, outcome.diff.num_changes) == (NUM_ITEMS, 0)

    within(EmbeddedStores(tmp_path / "data"), source, work)


def test_a_row_without_vectors_stops_it_by_name(stores: Stores, source: Source) -> None:
    async def work(workspace: Workspace) -> None:
        base = await build(workspace, source)
        await workspace.state.append([Put(msgspec.structs.replace(item(1), id=NEW), {}, {})])
        with pytest.raises(NearfieldError, match="have no vectors"):
            await compact(workspace, QUIET)
        assert await workspace.releases.live_id() == base
        await activate(workspace, base)
        assert (await make(workspace)).counts.points == NUM_ITEMS + 1

    within(stores, source, work)
