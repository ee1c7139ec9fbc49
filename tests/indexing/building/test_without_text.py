"""A release without text vectors: nothing is encoded for it, at its build or ever after."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from embedding.errors import MismatchError, UsageError
from embedding.text.text_vectors import NoText
from indexing.building.build import build_release
from indexing.building.compaction import compact
from indexing.releases.activation import activate
from indexing.releases.workspace import Workspace
from tests.indexing.at_work import item, rows_of, within
from tests.indexing.kinds_of_store import Stores
from tests.indexing.release_worlds import NUM_ITEMS, QUIET, Source

NEW = "item-new"


async def build_bare(workspace: Workspace, source: Source) -> str:
    deps = source.dependencies(workspace.settings.data_dir, workspace.store)
    deps = msgspec.structs.replace(deps, state=workspace.state, texts=NoText())
    manifest = await build_release(source.inputs(), deps)
    await activate(workspace, manifest.id)
    return manifest.id


def test_it_has_the_towers_vectors_alone_and_finds_by_them(stores: Stores, source: Source) -> None:
    async def work(workspace: Workspace) -> None:
        built = await build_bare(workspace, source)
        release = workspace.releases.open(built)
        assert (release.manifest.dims, release.manifest.encoder_hash, release.has_text) == ({"tower": 16}, None, False)
        assert "text" not in release.manifest.input_fields
        vectors = release.columns.vectors("tower")
        stored = await workspace.store.vectors(built, list(range(NUM_ITEMS)), using="tower")
        assert np.allclose(stored, vectors, atol=1e-5)

    within(stores, source, work)


def test_what_is_put_and_compacted_is_encoded_by_the_tower_alone(stores: Stores, source: Source) -> None:
    async def work(workspace: Workspace) -> None:
        built = await build_bare(workspace, source)
        like = item(1)
        with workspace.texts(False) as texts:
            assert texts.dims == 0
            added = msgspec.structs.replace(like, id=NEW)
            await workspace.state.append(workspace.record_encoder.puts([added], await workspace.live(), texts))
        rows = await rows_of(workspace, built)
        assert rows.find(NEW) >= 0
        # Its tower knows it by its creator, as it knows no id of it.
        assert rows.vectors("tower", [rows.row_of(NEW)]).shape == (1, 16)
        made = await compact(workspace, QUIET)
        assert made is not None
        assert (made.dims, made.encoder_hash, made.counts.points) == ({"tower": 16}, None, NUM_ITEMS + 1)

    within(stores, source, work)


def test_a_text_that_changes_changes_no_vector(stores: Stores, source: Source) -> None:
    async def work(workspace: Workspace) -> None:
        await build_bare(workspace, source)
        live = await workspace.live()
        with workspace.texts(False) as texts:
            edited = msgspec.structs.replace(item(1), text="another text altogether")
            puts = workspace.record_encoder.puts([edited], live, texts)
        before = live.vectors("tower", [live.row_of("item-1")])[0].tobytes()
        assert (puts[0].text, list(puts[0].tower.values())) == ({}, [before])

    within(stores, source, work)


def test_the_way_back_to_a_release_with_texts_encodes_what_came_meanwhile(stores: Stores, source: Source) -> None:
    async def work(workspace: Workspace) -> None:
        deps = msgspec.structs.replace(
            source.dependencies(workspace.settings.data_dir, workspace.store), state=workspace.state
        )
        full = (await build_release(source.inputs(), deps)).id
        await activate(workspace, full)
        bare = await build_bare(workspace, source)
        with workspace.texts(False) as texts:
            added = msgspec.structs.replace(item(1), id=NEW, text="whales singing far below")
            await workspace.state.append(workspace.record_encoder.puts([added], await workspace.live(), texts))
        assert (await rows_of(workspace, full)).find(NEW) < 0 <= (await rows_of(workspace, bare)).find(NEW)
        await activate(workspace, full, widen=True)
        rows = await rows_of(workspace, full)
        assert rows.find(NEW) >= 0
        assert np.linalg.norm(rows.vectors("text", [rows.row_of(NEW)])[0]) == pytest.approx(1.0, abs=1e-3)

    within(stores, source, work)


def test_it_needs_a_model_and_one_that_reads_no_text(stores: Stores, source: Source) -> None:
    async def work(workspace: Workspace) -> None:
        deps = msgspec.structs.replace(
            source.dependencies(workspace.settings.data_dir, workspace.store), texts=NoText()
        )
        with pytest.raises(UsageError, match="needs a model"):
            await build_release(source.inputs(with_model=False), deps)

    within(stores, source, work)


def test_a_model_that_reads_text_is_refused(stores: Stores, source: Source, tmp_path: Path) -> None:
    reading = source.train(tmp_path / "reading", seed=1, features=("id", "text"))

    async def work(workspace: Workspace) -> None:
        deps = msgspec.structs.replace(
            source.dependencies(workspace.settings.data_dir, workspace.store), texts=NoText()
        )
        with pytest.raises(MismatchError, match="reads text"):
            await build_release(msgspec.structs.replace(source.inputs(), model=reading), deps)

    within(stores, source, work)
