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
from indexing.journal.records import Put, Removed
from indexing.journal.takedowns import lift, take_down
from indexing.release.lock import build_lock, is_held
from indexing.release.manifest import Manifest
from indexing.releases.known_lines import State, lines_path, load_lines
from indexing.releases.releases import Releases
from indexing.releases.switch import activate, rollback
from indexing.releases.workplace import Workplace
from indexing.sync import run
from indexing.words.document import as_bytes
from tests.indexing.at_work import build, item, put, rows_of, within
from tests.indexing.kinds_of_store import EmbeddedStores, Stores
from tests.indexing.release_worlds import NUM_ITEMS, QUIET, Source, edited
from tests.indexing.sync.test_sync import use

NEW = "item-new"


async def changed_world(place: Workplace, source: Source) -> str:
    """A live release, and each kind of change in the journal; its id."""
    base = await build(place, source)
    await put(
        place,
        item(1, title="Another title for number one"),
        item(2, availability=(Window("JP"),)),
        msgspec.structs.replace(item(3), id=NEW, text="whales singing far below"),
    )
    await place.journal.append([Removed("item-4")])
    await take_down(place.journal, ["item-5", "item-unheard-of"])
    return base


async def make(place: Workplace) -> Manifest:
    made = await compact(place, QUIET)
    assert made is not None
    return made


async def shown(place: Workplace, release_id: str) -> dict[str, Any]:
    """All that answers are made of: payload, hashes, vectors and words of each row by id, and what is hidden."""
    rows = await rows_of(place, release_id)
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
    async def work(place: Workplace) -> None:
        base = await changed_world(place, source)
        before = await shown(place, base)
        made = await make(place)
        assert await place.releases.live_id() == made.id
        assert await shown(place, made.id) == before
        assert set(before) == {f"item-{n}" for n in range(NUM_ITEMS) if n != 4} | {NEW}
        after = await rows_of(place, made.id)
        assert (after.num_journalled, after.revision) == (0, 0)
        assert made.counts.points == NUM_ITEMS == await place.store.count(made.id)
        # The engine has the same vectors in the same rows.
        for space in made.dims:
            stored = await place.store.vectors(made.id, list(range(NUM_ITEMS)), using=space)
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

    async def work(place: Workplace) -> None:
        base = await changed_world(place, source)
        before = heard(place.releases, base, "item-4")
        # Somebody heard the row that was given another number.
        assert any("item-1" in everything for _, everything in before.values())
        made = await make(place)
        assert heard(place.releases, made.id, "item-4") == before

    within(stores, source, work)


def test_changes_made_meanwhile_and_afterwards_apply_to_it(stores: Stores, source: Source) -> None:
    async def work(place: Workplace) -> None:
        await changed_world(place, source)
        with build_lock(place.settings.data_dir):
            assert is_held(place.settings.data_dir)
            with pytest.raises(BuildLockedError):
                await compact(place, QUIET)
        assert not is_held(place.settings.data_dir)
        made = await make(place)
        await put(place, item(7, title="Changed after it"))
        await lift(place.journal, ["item-5"])
        await take_down(place.journal, [NEW])
        rows = await rows_of(place, made.id)
        assert rows.payload(rows.row_of("item-7")).title == "Changed after it"
        assert rows.find("item-5") >= 0
        assert rows.find(NEW) < 0
        again = await make(place)
        assert again.lineage == (*made.lineage, made.id)
        rows = await rows_of(place, again.id)
        assert rows.find(NEW) < 0 <= rows.row_of(NEW)
        assert rows.payload(rows.row_of("item-7")).title == "Changed after it"

    within(stores, source, work)


def test_rollback_undoes_the_build_whatever_was_compacted(stores: Stores, source: Source, tmp_path: Path) -> None:
    async def work(place: Workplace) -> None:
        first = await build(place, source)
        await make(place)
        with pytest.raises(NoLiveReleaseError, match="nothing to go back to"):
            await place.releases.rollback()
        first_compacted = await place.releases.live_id()
        catalogue = edited(source.catalogue, tmp_path / "next.jsonl", lambda row: row.update(album="A new one"))
        await build(place, source, catalogue=catalogue)
        await put(place, item(1, title="Another"))
        newest = [(await make(place)).id for _ in range(2)][-1]
        assert await rollback(place, widen=True) == first_compacted
        assert first_compacted != first
        # Forward again, and back as before.
        await activate(place, newest)
        assert await place.releases.previous_id() == first_compacted

    within(stores, source, work)


def test_a_build_and_its_compactions_count_as_one_and_old_ones_go(stores: Stores, source: Source) -> None:
    async def work(place: Workplace) -> None:
        base = await build(place, source)
        made = [await make(place) for _ in range(3)]
        # The last one and the one compacted into it, on which pages may have begun.
        assert [manifest.id for manifest in place.releases.manifests()] == [made[1].id, made[2].id]
        assert base not in place.releases
        assert made[2].lineage == (base, made[0].id, made[1].id)

    within(stores, source, work)


def test_nothing_happens_where_it_is_not_due(stores: Stores, source: Source) -> None:
    async def work(place: Workplace) -> None:
        base = await changed_world(place, source)
        assert await compact(place, QUIET, only_if_due=True) is None
        assert await place.releases.live_id() == base
        few = [Put(msgspec.structs.replace(item(1), id=f"extra-{n}"), {}, {}) for n in range(1_100)]
        with place.texts() as texts:
            one = place.editor.puts([item(1)], await place.live(), texts)[0]
        await place.journal.append([Put(put_.item, one.text, one.tower) for put_ in few])
        made = await compact(place, QUIET, only_if_due=True)
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

    async def work(place: Workplace) -> None:
        use(monkeypatch, place)
        await build(place, source)
        await run.run_sync(catalogue, place.settings, QUIET)
        made = await make(place)
        live = await place.live()
        known = load_lines(lines_path(place.settings.data_dir, made.id), State.of(made.id, live.rows_seq))
        assert known is not None
        assert sorted(known["row"].tolist()) == list(range(NUM_ITEMS))
        outcome = await run.run_sync(catalogue, place.settings, QUIET)
        assert (outcome.diff.unchanged, outcome.diff.num_changes) == (NUM_ITEMS, 0)

    within(EmbeddedStores(tmp_path / "data"), source, work)


def test_a_row_without_vectors_stops_it_by_name(stores: Stores, source: Source) -> None:
    async def work(place: Workplace) -> None:
        base = await build(place, source)
        await place.journal.append([Put(msgspec.structs.replace(item(1), id=NEW), {}, {})])
        with pytest.raises(NearfieldError, match="have no vectors"):
            await compact(place, QUIET)
        assert await place.releases.live_id() == base
        await activate(place, base)
        assert (await make(place)).counts.points == NUM_ITEMS + 1

    within(stores, source, work)
