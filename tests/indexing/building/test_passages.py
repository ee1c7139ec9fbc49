"""Passages are part of their release: built, proved, counted, copied and removed with it, in both stores."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
import pytest

from embedding.errors import DamagedError, MismatchError
from embedding.rows.schema import Item
from embedding.text.passages import passage_text, passages_of
from embedding.text.text_vectors import CachedText
from indexing.building.compaction import compact
from indexing.errors import VerificationError
from indexing.filters.algebra import Equals, OneOf
from indexing.journal.current_rows import CurrentRows
from indexing.journal.replay import current_rows
from indexing.payload.payload import EXPLICIT_YES
from indexing.release.manifest import verify_files
from indexing.release.passages import PASSAGES, passages_collection
from indexing.releases.activation import activate
from indexing.releases.retention import RetentionPolicy, prune
from indexing.releases.workspace import Workspace
from indexing.rules.declaration import RuleSet, rules_version
from indexing.search.plans_file import read_plans
from indexing.state.records import Put, Removed
from indexing.stores.contract import PointBatch
from tests.indexing.kinds_of_store import Stores
from tests.indexing.passage_worlds import (
    DIMS,
    NUM_ITEMS,
    WordsEncoder,
    build_passages,
    make_item,
    make_items,
    plain_items,
    words_texts,
    workspace_over,
    write_catalogue,
)
from tests.indexing.release_worlds import QUIET

T = TypeVar("T")


@pytest.fixture
def texts(tmp_path: Path) -> CachedText:
    return words_texts(tmp_path / "vectors")


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    return write_catalogue(tmp_path, make_items())


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return write_catalogue(tmp_path / "plain", plain_items())


def within(stores: Stores, work: Callable[[Workspace], Awaitable[T]]) -> T:
    async def run() -> T:
        store = stores.open()
        try:
            return await work(workspace_over(store, stores.data_dir))
        finally:
            await store.close()

    return asyncio.run(run())


def cut(items: list[Item]) -> list[tuple[str, int, int]]:
    return [(item.id, *passage) for item in items for passage in passages_of(item)]


async def collections(workspace: Workspace) -> set[str]:
    return set(await workspace.store.collections())


def test_a_release_holds_the_passages_of_its_long_texts(stores: Stores, catalogue: Path, texts: CachedText) -> None:
    async def work(workspace: Workspace) -> None:
        items = make_items()
        manifest = await build_passages(workspace, catalogue, texts)
        release = workspace.releases.open(manifest.id)
        passages = release.passages
        assert passages is not None
        found = [
            (release.columns.ids.id_at(int(row)), *offsets)
            for row in np.unique(passages.rows)
            for offsets in passages.of_row(int(row)).offsets
        ]
        assert found == cut(items)
        assert manifest.counts.passages == len(passages) == len(found) > 70
        assert {item.kind for item in items if passages_of(item)} == {"track", "episode"}
        read = [passage_text(item, passage) for item in items for passage in passages_of(item)]
        expected = WordsEncoder().encode(read)
        np.testing.assert_allclose(passages.vectors(PASSAGES), expected, atol=1e-6)
        # The engine has them in the same order, with what the rules read of their items.
        collection = passages_collection(manifest.id)
        assert await collections(workspace) == {manifest.id, collection}
        stored = await workspace.store.vectors(collection, list(range(len(found))), using=PASSAGES)
        np.testing.assert_allclose(stored, expected, atol=1e-6)
        of_item = {item.id: item for item in items}
        explicit = sum(bool(of_item[item_id].explicit) for item_id, *_ in found)
        assert await workspace.store.count(collection, Equals("explicit", EXPLICIT_YES)) == explicit
        few = frozenset({"maker 1", "maker 2"})
        made = sum(of_item[item_id].creator.lower() in few for item_id, *_ in found)
        assert await workspace.store.count(collection, OneOf("creator_keys", few)) == made
        # The doctor measured them as one more space.
        plans = read_plans(workspace.settings.data_dir, manifest.id, rules_version(RuleSet()))
        assert plans is not None
        assert {report.shape.using for report in plans.shapes} == {"text", PASSAGES}
        assert min(report.chosen.recall for report in plans.shapes) >= 0.99
        assert plans.leaks == 0

    within(stores, work)


def test_two_builds_of_the_same_files_have_one_content_and_a_longer_text_another(
    stores: Stores, plain: Path, texts: CachedText, tmp_path: Path
) -> None:
    async def work(workspace: Workspace) -> None:
        first, second = [await build_passages(workspace, plain, texts) for _ in range(2)]
        assert first.content == second.content
        third = await build_passages(workspace, write_catalogue(tmp_path / "other", plain_items(13)), texts)
        assert third.content != first.content

    within(stores, work)


def test_without_long_texts_there_is_neither_folder_nor_collection(
    stores: Stores, texts: CachedText, tmp_path: Path
) -> None:
    async def work(workspace: Workspace) -> None:
        short = write_catalogue(tmp_path, plain_items(2))
        manifest = await build_passages(workspace, short, texts)
        assert manifest.counts.passages == 0
        assert await collections(workspace) == {manifest.id}
        assert not (workspace.releases.folder / manifest.id / PASSAGES).exists()
        assert workspace.releases.open(manifest.id).passages is None
        await activate(workspace, manifest.id)

    within(stores, work)


def test_a_flipped_byte_and_an_engine_that_lacks_a_passage_or_has_another_are_noticed(
    stores: Stores, plain: Path, texts: CachedText
) -> None:
    async def work(workspace: Workspace) -> None:
        manifest = await build_passages(workspace, plain, texts)
        path = workspace.releases.folder / manifest.id / PASSAGES / "passages.npy"
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        with pytest.raises(DamagedError, match=r"passages\.npy"):
            verify_files(path.parent.parent, manifest)
        path.write_bytes(data)
        release, collection = workspace.releases.open(manifest.id), passages_collection(manifest.id)
        await release.check_collection(workspace.store)
        payload = release.columns.payload(1)
        wrong = np.eye(1, release.manifest.dims["text"], dtype=np.float32)
        await workspace.store.upsert(collection, PointBatch([0], {PASSAGES: wrong}, [payload]))
        with pytest.raises(MismatchError, match="holds other passages vectors"):
            await release.check_collection(workspace.store)
        more = manifest.counts.passages
        await workspace.store.upsert(collection, PointBatch([more], {PASSAGES: wrong}, [payload]))
        with pytest.raises(MismatchError, match=f"holds {more + 1} points, its release has {more} passages"):
            await release.check_collection(workspace.store)
        await workspace.store.drop(collection)
        with pytest.raises(Exception, match=r"is not there"):
            await release.check_collection(workspace.store)

    within(stores, work)


def test_a_build_whose_store_lost_passages_writes_passages_again_and_one_of_other_inputs_clears_them_away(
    stores: Stores, plain: Path, texts: CachedText, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(workspace: Workspace) -> None:
        whole = await build_passages(workspace, plain, texts)
        upsert = type(workspace.store).upsert

        async def lossy(self: object, collection: str, points: PointBatch) -> None:
            if not collection.endswith(PASSAGES):
                await upsert(self, collection, points)  # type: ignore[arg-type]

        with monkeypatch.context() as patched:
            patched.setattr(type(workspace.store), "upsert", lossy)
            with pytest.raises(VerificationError, match=r"passages' should hold \d+ points, it holds 0; build again"):
                await build_passages(workspace, plain, texts)
        (unfinished,) = workspace.releases.unfinished()
        resumed = await build_passages(workspace, plain, texts)
        assert (resumed.id, resumed.content) == (unfinished, whole.content)
        await workspace.releases.open(resumed.id).check_collection(workspace.store)
        with monkeypatch.context() as patched:
            patched.setattr(type(workspace.store), "upsert", lossy)
            with pytest.raises(VerificationError):
                await build_passages(workspace, plain, texts)
        (unfinished,) = workspace.releases.unfinished()
        other = await build_passages(workspace, write_catalogue(tmp_path / "other", plain_items(10)), texts)
        assert workspace.releases.unfinished() == []
        assert not any(name.startswith(unfinished) for name in await collections(workspace))
        assert passages_collection(other.id) in await collections(workspace)

    within(stores, work)


def test_an_old_release_goes_with_its_passages(stores: Stores, plain: Path, texts: CachedText) -> None:
    async def work(workspace: Workspace) -> None:
        ids = []
        for _ in range(3):
            manifest = await build_passages(workspace, plain, texts)
            await workspace.releases.activate(manifest.id)
            ids.append(manifest.id)
        assert await prune(workspace.releases, workspace.store, RetentionPolicy(2, None, ())) == ids[:1]
        assert await collections(workspace) == {name for kept in ids[1:] for name in (kept, passages_collection(kept))}

    within(stores, work)


def test_a_compaction_keeps_passages_to_the_last_bit_and_takes_in_those_of_the_journal(
    stores: Stores, catalogue: Path, texts: CachedText
) -> None:
    async def work(workspace: Workspace) -> None:
        manifest = await build_passages(workspace, catalogue, texts)
        await activate(workspace, manifest.id)
        changed = [
            msgspec.structs.replace(make_item(1, 40), title="Longer now"),
            make_item(2, 2),
            msgspec.structs.replace(make_item(4), explicit=True),
            make_item(NUM_ITEMS, 12),
        ]
        live = await workspace.live()
        puts = workspace.record_encoder.puts(changed, live, texts)
        assert [len(one.passages) for one in puts] == [1, 0, 1, 1]
        await workspace.state.append([*puts, Removed("item-5")])
        before = await workspace.live()
        # Another payload moves no vector, of a passage neither.
        old, new = live.passages(live.row_of("item-4")), before.passages(before.row_of("item-4"))
        assert old == new
        assert old.offsets
        expected = {before.id_of(row): before.passages(row) for row in before.rows()}
        made = await compact(workspace, QUIET)
        assert made is not None
        after = await workspace.live()
        assert {after.id_of(row): after.passages(row) for row in after.rows()} == expected
        assert (await workspace.store.count(passages_collection(made.id))) == made.counts.passages
        assert made.counts.passages == sum(len(found.offsets) for found in expected.values())
        await after.release.check_collection(workspace.store)

    within(stores, work)


def test_rows_journalled_by_another_encoder_get_passages_of_this_one(
    stores: Stores, plain: Path, texts: CachedText, tmp_path: Path
) -> None:
    async def work(workspace: Workspace) -> None:
        other_texts = words_texts(tmp_path / "vectors", "other-words")
        first = await build_passages(workspace, plain, texts)
        await activate(workspace, first.id)
        other = await build_passages(workspace, plain, other_texts)
        item = make_item(NUM_ITEMS, 12)
        await workspace.state.append(workspace.record_encoder.puts([item], await workspace.live(), texts))

        async def found(release_id: str) -> tuple[bool, bytes]:
            rows = await _rows(workspace, release_id)
            row = rows.row_of(item.id)
            return rows.find(item.id) >= 0, rows.passages(row).data

        assert (await found(other.id)) == (False, b"")
        rows = await _rows(workspace, other.id)
        await workspace.state.append(workspace.record_encoder.missing(rows, other_texts))
        read = [passage_text(item, passage) for passage in passages_of(item)]
        assert (await found(first.id)) == (True, WordsEncoder().encode(read).tobytes())
        assert (await found(other.id)) == (True, WordsEncoder("other-words").encode(read).tobytes())

    within(stores, work)


async def _rows(workspace: Workspace, release_id: str) -> CurrentRows:
    return await current_rows(workspace.releases.open(release_id), workspace.state)


def test_a_record_holds_its_passages_over_the_log(stores: Stores, texts: CachedText) -> None:
    async def work(workspace: Workspace) -> None:
        puts = workspace.record_encoder.puts([make_item(7)], None, texts)
        await workspace.state.append(puts)
        (frame,) = await workspace.state.reader().fresh()
        (record,) = frame.changes
        assert isinstance(record, Put)
        assert record.passages == puts[0].passages
        assert record.passages["words"].vectors().shape == (len(passages_of(make_item(7))), DIMS)

    within(stores, work)
