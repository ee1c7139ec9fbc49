"""A release without text vectors: nothing is encoded for it, at its build or ever after."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from embedding.errors import MismatchError, UsageError
from embedding.text.text_vectors import NoText
from indexing.building.build import build_release
from indexing.building.compaction import compact
from indexing.releases.switch import activate
from indexing.releases.workplace import Workplace
from tests.indexing.at_work import item, rows_of, within
from tests.indexing.kinds_of_store import Stores
from tests.indexing.release_worlds import NUM_ITEMS, QUIET, Source

NEW = "item-new"


async def build_bare(place: Workplace, source: Source) -> str:
    shop = source.shop(place.settings.data_dir, place.store)
    shop = msgspec.structs.replace(shop, journal=place.journal, texts=NoText())
    manifest = await build_release(source.inputs(), shop)
    await activate(place, manifest.id)
    return manifest.id


def test_it_has_the_towers_vectors_alone_and_finds_by_them(stores: Stores, source: Source) -> None:
    async def work(place: Workplace) -> None:
        built = await build_bare(place, source)
        release = place.releases.open(built)
        assert (release.manifest.dims, release.manifest.encoder_hash, release.has_text) == ({"tower": 16}, None, False)
        assert "text" not in release.manifest.input_fields
        vectors = release.columns.vectors("tower")
        stored = await place.store.vectors(built, list(range(NUM_ITEMS)), using="tower")
        assert np.allclose(stored, vectors, atol=1e-5)

    within(stores, source, work)


def test_what_is_put_and_compacted_is_encoded_by_the_tower_alone(stores: Stores, source: Source) -> None:
    async def work(place: Workplace) -> None:
        built = await build_bare(place, source)
        like = item(1)
        with place.texts(False) as texts:
            assert texts.dims == 0
            added = msgspec.structs.replace(like, id=NEW)
            await place.journal.append(place.editor.puts([added], await place.live(), texts))
        rows = await rows_of(place, built)
        assert rows.find(NEW) >= 0
        # Its tower knows it by its creator, as it knows no id of it.
        assert rows.vectors("tower", [rows.row_of(NEW)]).shape == (1, 16)
        made = await compact(place, QUIET)
        assert made is not None
        assert (made.dims, made.encoder_hash, made.counts.points) == ({"tower": 16}, None, NUM_ITEMS + 1)

    within(stores, source, work)


def test_a_text_that_changes_changes_no_vector(stores: Stores, source: Source) -> None:
    async def work(place: Workplace) -> None:
        await build_bare(place, source)
        live = await place.live()
        with place.texts(False) as texts:
            edited = msgspec.structs.replace(item(1), text="another text altogether")
            puts = place.editor.puts([edited], live, texts)
        before = live.vectors("tower", [live.row_of("item-1")])[0].tobytes()
        assert (puts[0].text, list(puts[0].tower.values())) == ({}, [before])

    within(stores, source, work)


def test_the_way_back_to_a_release_with_texts_encodes_what_came_meanwhile(stores: Stores, source: Source) -> None:
    async def work(place: Workplace) -> None:
        shop = msgspec.structs.replace(source.shop(place.settings.data_dir, place.store), journal=place.journal)
        full = (await build_release(source.inputs(), shop)).id
        await activate(place, full)
        bare = await build_bare(place, source)
        with place.texts(False) as texts:
            added = msgspec.structs.replace(item(1), id=NEW, text="whales singing far below")
            await place.journal.append(place.editor.puts([added], await place.live(), texts))
        assert (await rows_of(place, full)).find(NEW) < 0 <= (await rows_of(place, bare)).find(NEW)
        await activate(place, full, widen=True)
        rows = await rows_of(place, full)
        assert rows.find(NEW) >= 0
        assert np.linalg.norm(rows.vectors("text", [rows.row_of(NEW)])[0]) == pytest.approx(1.0, abs=1e-3)

    within(stores, source, work)


def test_it_needs_a_model_and_one_that_reads_no_text(stores: Stores, source: Source) -> None:
    async def work(place: Workplace) -> None:
        shop = msgspec.structs.replace(source.shop(place.settings.data_dir, place.store), texts=NoText())
        with pytest.raises(UsageError, match="needs a model"):
            await build_release(source.inputs(with_model=False), shop)

    within(stores, source, work)


def test_a_model_that_reads_text_is_refused(stores: Stores, source: Source, tmp_path: Path) -> None:
    reading = source.train(tmp_path / "reading", seed=1, features=("id", "text"))

    async def work(place: Workplace) -> None:
        shop = msgspec.structs.replace(source.shop(place.settings.data_dir, place.store), texts=NoText())
        with pytest.raises(MismatchError, match="reads text"):
            await build_release(msgspec.structs.replace(source.inputs(), model=reading), shop)

    within(stores, source, work)
