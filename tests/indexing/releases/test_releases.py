"""Releases on every kind of store: built whole, switched, rolled back; what is wrong is refused and changes nothing."""

import asyncio
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
import pytest

from embedding.errors import DamagedError, MismatchError, RejectedInputError
from embedding.progress import Advance, Reporter
from indexing.building.build import BuildInputs, build_release
from indexing.errors import (
    CollectionMissingError,
    GateError,
    NoLiveReleaseError,
    ReleaseMissingError,
    VerificationError,
)
from indexing.filters.algebra import EVERYTHING
from indexing.release.manifest import MANIFEST, Manifest, hash_files
from indexing.release.passages import drop_collections
from indexing.releases.releases import Releases
from indexing.stores.contract import PointBatch, Ranked, SearchParams, VectorStore
from tests.indexing.kinds_of_store import EmbeddedStores, Stores
from tests.indexing.release_worlds import NUM_ITEMS, Source, edited, make_items

T = TypeVar("T")
Work = Callable[[VectorStore, Releases], Coroutine[object, object, T]]


def within(stores: Stores, work: Work[T]) -> T:
    """Run `work(store, releases)` as one process would."""

    async def run() -> T:
        store, state = stores.open(), stores.state()
        try:
            return await work(store, Releases(stores.data_dir, store, state))
        finally:
            await store.close()
            await state.close()

    return asyncio.run(run())


def build(stores: Stores, source: Source, *, with_model: bool = True, activate: bool = False) -> Manifest:
    async def work(store: VectorStore, releases: Releases) -> Manifest:
        async def make() -> str:
            inputs = source.inputs(with_model=with_model)
            manifest = await build_release(inputs, source.dependencies(stores.data_dir, store, state=releases.state))
            if activate:
                await releases.activate(manifest.id)
            return manifest.id

        key = "releases", activate, with_model
        return releases.manifest(await source.first_build(key, stores.data_dir, store, make))

    return within(stores, work)


async def live_or_none(_store: VectorStore, releases: Releases) -> str | None:
    return await releases.state.live()


def test_a_release_holds_every_row_and_finds_its_neighbours(stores: Stores, source: Source) -> None:
    manifest = build(stores, source)
    assert manifest.space == "tower"
    assert manifest.dims == {"tower": 16, "text": 384}
    assert manifest.counts.points == NUM_ITEMS
    assert (manifest.counts.tracks, manifest.counts.episodes, manifest.counts.users) == (60, 30, 30)
    assert manifest.gate.canary_recall == 1.0

    async def work(store: VectorStore, releases: Releases) -> None:
        release = releases.open(manifest.id)
        assert [release.columns.ids.id_at(row) for row in range(NUM_ITEMS)] == [item.id for item in make_items()]
        await release.check_collection(store)
        for space in ("tower", "text"):
            vectors = release.columns.vectors(space)
            np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
            exact = vectors @ vectors[5]
            answer = await store.nearest(
                release.id,
                vectors[5],
                using=space,
                where=store.prepare(EVERYTHING),
                limit=10,
                params=SearchParams(exact=True),
            )
            np.testing.assert_allclose(answer.scores, np.sort(exact)[::-1][:10], atol=1e-5)
            np.testing.assert_allclose(exact[answer.rows], answer.scores, atol=1e-5)

    within(stores, work)


def test_the_same_input_has_the_same_content(stores: Stores, source: Source) -> None:
    first, second = build(stores, source), build(stores, source)
    text_only = build(stores, source, with_model=False)
    assert first.content == second.content
    assert first.id < second.id < text_only.id
    assert text_only.content != first.content
    assert (text_only.space, text_only.model_hash, text_only.dims) == ("text", None, {"text": 384})


def test_building_does_not_activate(stores: Stores, source: Source) -> None:
    build(stores, source)
    assert within(stores, live_or_none) is None
    with pytest.raises(NoLiveReleaseError, match="index build CATALOGUE --activate"):
        within(stores, lambda _, releases: releases.live_id())


def test_activate_and_rollback_walk_back_through_what_was_live(stores: Stores, source: Source) -> None:
    first, second, third = (build(stores, source, with_model=False, activate=True).id for _ in range(3))
    assert within(stores, live_or_none) == third
    assert within(stores, lambda _, releases: releases.rollback()) == second
    assert within(stores, lambda _, releases: releases.rollback()) == first
    assert within(stores, live_or_none) == first
    with pytest.raises(NoLiveReleaseError, match="nothing to go back to"):
        within(stores, lambda _, releases: releases.rollback())
    within(stores, lambda _, releases: releases.activate(third))
    assert within(stores, lambda _, releases: releases.rollback()) == first


def test_activating_what_is_live_already_changes_nothing(stores: Stores, source: Source) -> None:
    first = build(stores, source, with_model=False, activate=True).id
    second = build(stores, source, with_model=False, activate=True).id
    within(stores, lambda _, releases: releases.activate(second))
    assert within(stores, lambda _, releases: releases.rollback()) == first


@pytest.mark.parametrize("name", ["r1", "", ".", "..", "../releases", "r1/columns"])
def test_an_unknown_release_is_refused_and_the_known_ones_are_named(stores: Stores, source: Source, name: str) -> None:
    live = build(stores, source, with_model=False, activate=True).id
    with pytest.raises(ReleaseMissingError, match=live):
        within(stores, lambda _, releases: releases.activate(name))
    assert within(stores, live_or_none) == live


@pytest.mark.parametrize("name", ["columns/payload.bin", "columns/tower.npy", "users/heard_rows.npy", "model"])
def test_a_changed_byte_keeps_the_live_release(stores: Stores, source: Source, name: str) -> None:
    live = build(stores, source, activate=True).id
    damaged = build(stores, source).id
    path = stores.data_dir / "releases" / damaged / name
    if path.is_dir():
        path = next(path.glob("*.safetensors"))
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(DamagedError, match=path.name):
        within(stores, lambda _, releases: releases.activate(damaged))
    assert within(stores, live_or_none) == live


def test_another_builds_points_are_not_taken_for_this_ones(stores: Stores, source: Source) -> None:
    release_id = build(stores, source).id

    async def work(store: VectorStore, releases: Releases) -> None:
        release = releases.open(release_id)
        turned = {space: release.columns.vectors(space)[:1] * -1 for space in release.manifest.dims}
        await store.open(release_id)
        await store.upsert(release_id, PointBatch([0], turned, [release.columns.payload(0)]))
        with pytest.raises(MismatchError, match="holds other tower vectors"):
            await release.check_collection(store)

    within(stores, work)


def test_a_switch_to_a_release_without_its_collection_leaves_what_is_live(stores: Stores, source: Source) -> None:
    first = build(stores, source, with_model=False, activate=True).id
    second = build(stores, source, with_model=False).id

    async def work(store: VectorStore, releases: Releases) -> None:
        await drop_collections(store, second)
        with pytest.raises((CollectionMissingError, DamagedError), match=second):
            await releases.activate(second)
        assert await releases.live_id() == first
        assert [switch.release for switch in await releases.state.activations()] == [first]

    within(stores, work)


def test_points_that_are_missing_are_noticed(stores: Stores, source: Source) -> None:
    first = build(stores, source, with_model=False).id

    async def work(store: VectorStore, releases: Releases) -> None:
        release = releases.open(first)
        vectors = {"text": release.columns.vectors("text")[:1]}
        await store.open(first)
        await store.upsert(first, PointBatch([NUM_ITEMS], vectors, [release.columns.payload(0)]))
        with pytest.raises(MismatchError, match=f"holds {NUM_ITEMS + 1} points, its release has {NUM_ITEMS} rows"):
            await release.check_collection(store)

    within(stores, work)


def test_a_tower_of_another_release_is_refused(stores: Stores, source: Source) -> None:
    manifest = build(stores, source)

    async def work(_: VectorStore, releases: Releases) -> None:
        release = releases.open(manifest.id)
        assert manifest.model_hash is not None
        release.check_tower(manifest.model_hash)
        with pytest.raises(MismatchError, match=f"hash other, .* {manifest.model_hash}"):
            release.check_tower("other")

    within(stores, work)


def test_too_many_bad_rows_build_nothing(stores: Stores, source: Source, tmp_path: Path) -> None:
    live = build(stores, source, with_model=False, activate=True).id
    broken = edited(source.catalogue, tmp_path / "broken.jsonl", lambda row: row.pop("title"))

    async def work(store: VectorStore, releases: Releases) -> None:
        deps = source.dependencies(stores.data_dir, store, state=releases.state)
        inputs = msgspec.structs.replace(source.inputs(with_model=False), catalogue=broken)
        with pytest.raises(RejectedInputError, match="not one good row"):
            await build_release(inputs, deps)
        assert [manifest.id for manifest in releases.manifests()] == [live]
        assert await releases.state.live() == live

    within(stores, work)
    rejects = (stores.data_dir / "rejects" / "broken.jsonl.rejects.jsonl").read_text().splitlines()
    assert len(rejects) == NUM_ITEMS


def test_a_few_bad_rows_are_counted_and_the_rest_is_built(stores: Stores, source: Source, tmp_path: Path) -> None:
    catalogue = tmp_path / "catalogue.jsonl"
    catalogue.write_bytes(source.catalogue.read_bytes() + b'{"id": "bad"}\n')
    interactions = tmp_path / "interactions.jsonl"
    interactions.write_bytes(source.interactions.read_bytes() + b'{"user_id": "u", "item_id": "nothing"}\n')

    async def work(store: VectorStore, releases: Releases) -> Manifest:
        deps = source.dependencies(stores.data_dir, store, state=releases.state)
        deps = msgspec.structs.replace(deps, max_reject_share=0.02)
        inputs = msgspec.structs.replace(source.inputs(), catalogue=catalogue, interactions=interactions)
        return await build_release(inputs, deps)

    counts = within(stores, work).counts
    assert (counts.points, counts.rejected_rows, counts.rejected_interactions) == (NUM_ITEMS, 1, 1)


def test_a_damaged_model_builds_nothing(stores: Stores, source: Source, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(source.model, model)
    weights = model / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)

    async def work(store: VectorStore, releases: Releases) -> None:
        inputs = msgspec.structs.replace(source.inputs(), model=model)
        with pytest.raises(DamagedError, match=r"model\.safetensors"):
            await build_release(inputs, source.dependencies(stores.data_dir, store, state=releases.state))
        assert releases.manifests() == []
        assert await store.collections() == []

    within(stores, work)


def test_an_unfinished_build_is_not_shown_and_the_next_one_clears_it(stores: Stores, source: Source) -> None:
    gone = build(stores, source, with_model=False).id
    (stores.data_dir / "releases" / gone / MANIFEST).unlink()

    async def before(_: VectorStore, releases: Releases) -> None:
        assert releases.manifests() == []
        assert releases.unfinished() == [gone]
        with pytest.raises(ReleaseMissingError):
            await releases.activate(gone)

    within(stores, before)
    finished = build(stores, source, with_model=False).id

    async def after(store: VectorStore, releases: Releases) -> None:
        assert [manifest.id for manifest in releases.manifests()] == [finished]
        assert releases.unfinished() == []
        assert await store.collections() == [finished]

    within(stores, after)


def test_a_clock_that_went_backwards_does_not_reorder_releases(stores: Stores, source: Source) -> None:
    first = build(stores, source, with_model=False)
    folder = stores.data_dir / "releases"
    future = "r20990101000000000"
    moved = msgspec.structs.replace(first, id=future)
    (folder / future).mkdir()
    (folder / future / MANIFEST).write_bytes(msgspec.json.encode(moved))
    assert build(stores, source, with_model=False).id == "r20990101000000001"


def test_a_torn_last_line_of_the_log_does_not_stand_in_the_way(stores: Stores, source: Source) -> None:
    first = build(stores, source, with_model=False, activate=True).id
    with (stores.data_dir / "activations.jsonl").open("ab") as log:
        log.write(b'{"at": "2026-01-01T00:00:00+00:00", "action": "activ')
    second = build(stores, source, with_model=False, activate=True).id
    assert within(stores, live_or_none) == second
    assert within(stores, lambda _, releases: releases.rollback()) == first


def test_a_store_that_lost_points_is_no_release(
    stores: Stores, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(store: VectorStore, releases: Releases) -> None:
        upsert = store.upsert

        async def losing(collection: str, points: PointBatch) -> None:
            vectors = {space: rows[1:] for space, rows in points.vectors.items()}
            await upsert(collection, PointBatch(points.rows[1:], vectors, points.payloads[1:]))

        monkeypatch.setattr(store, "upsert", losing)
        with pytest.raises(VerificationError, match=f"hold {NUM_ITEMS} points, it holds {NUM_ITEMS - 1}; build again"):
            await build_release(
                source.inputs(with_model=False), source.dependencies(stores.data_dir, store, state=releases.state)
            )
        assert releases.manifests() == []

    within(stores, work)


def test_a_store_that_has_other_words_is_no_release(
    stores: Stores, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(store: VectorStore, releases: Releases) -> None:
        upsert = store.upsert

        async def mixing_up(collection: str, points: PointBatch) -> None:
            words = points.sparse["bm25"].take(np.roll(np.arange(len(points.rows)), 1))
            await upsert(collection, PointBatch(points.rows, points.vectors, points.payloads, {"bm25": words}))

        monkeypatch.setattr(store, "upsert", mixing_up)
        with pytest.raises(
            VerificationError, match=r"the 'bm25' vector of row \d+ in collection '\w+' is not what was"
        ):
            await build_release(
                source.inputs(with_model=False), source.dependencies(stores.data_dir, store, state=releases.state)
            )
        assert releases.manifests() == []

    within(stores, work)


def test_a_store_that_does_not_find_what_it_holds_fails_the_gate(
    stores: Stores, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(store: VectorStore, releases: Releases) -> None:
        async def finding_none(*_: object, **__: object) -> Ranked:
            return Ranked([], [])

        monkeypatch.setattr(store, "matching", finding_none)
        with pytest.raises(GateError, match="were not found by their own words"):
            await build_release(
                source.inputs(with_model=False), source.dependencies(stores.data_dir, store, state=releases.state)
            )
        assert releases.manifests() == []

    within(stores, work)


def test_no_file_of_a_release_changes_by_being_read(data_dir: Path, source: Source) -> None:
    stores = EmbeddedStores(data_dir)
    release_id = build(stores, source, activate=True).id
    folder = data_dir / "releases" / release_id
    names = tuple(path.name for path in folder.iterdir() if path.is_dir())
    before = hash_files(folder, names)
    for _ in range(3):
        within(stores, lambda store, releases: releases.open(release_id).check_collection(store))
    assert hash_files(folder, names) == before


class Listening(Reporter):
    """RegressionBounds the names of the stages."""

    def __init__(self) -> None:
        super().__init__("none")
        self.stages: list[str] = []

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Advance]:
        """One stage, noted."""
        self.stages.append(name)
        with super().stage(name, total) as advance:
            yield advance


STAGES = ["hash inputs", "read catalogue", "encode", "write points", "optimise the index", "hash every file"]


@pytest.mark.parametrize(
    ("stage", "done_again"),
    [
        ("hash inputs", STAGES),
        ("read catalogue", STAGES),
        ("encode", STAGES),
        # Nothing is read or encoded again; the engine loses what it had not flushed.
        ("optimise the index", ["hash inputs", "write points", "optimise the index", "hash every file"]),
        ("hash every file", ["hash inputs", "hash every file"]),
    ],
)
def test_a_build_killed_midway_leaves_the_live_release_and_the_next_build_goes_on(
    data_dir: Path, source: Source, stage: str, done_again: list[str]
) -> None:
    stores = EmbeddedStores(data_dir)
    live = build(stores, source, with_model=False, activate=True)
    arguments = [str(data_dir), str(source.catalogue), str(source.cache_dir), stage]
    program = [sys.executable, "-m", "tests.indexing.releases.building_process", *arguments]
    killed = subprocess.run(program, check=False, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr

    async def after(_store: VectorStore, releases: Releases) -> list[str]:
        assert await releases.state.live() == live.id
        assert [manifest.id for manifest in releases.manifests()] == [live.id]
        return releases.unfinished()

    unfinished = within(stores, after)
    assert len(unfinished) == (stage != "hash inputs")
    listening = Listening()

    async def go_on(store: VectorStore, _releases: Releases) -> Manifest:
        inputs = BuildInputs(catalogue=source.catalogue)
        return await build_release(inputs, source.dependencies(data_dir, store, listening))

    again = within(stores, go_on)
    assert [name for name in listening.stages if name in STAGES] == done_again
    assert unfinished in ([], [again.id])
    # What an undisturbed build of the same inputs gives.
    undisturbed = within(
        EmbeddedStores(data_dir / "apart"),
        lambda s, _: build_release(BuildInputs(catalogue=source.catalogue), source.dependencies(data_dir / "apart", s)),
    )
    assert again.content == undisturbed.content
    assert not list((data_dir / "releases" / again.id).glob("*.spool"))
    within(stores, lambda _, releases: releases.activate(again.id))
    assert sorted(path.name for path in (data_dir / "releases").iterdir()) == [live.id, again.id]
