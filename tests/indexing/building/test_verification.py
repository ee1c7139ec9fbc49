"""A build is finished only when every copy in the store is what the columns hold."""

import shutil
from typing import Any

import pytest
from qdrant_client.http import models

from embedding.progress import Reporter
from indexing.building.build import build_release
from indexing.building.points import schema_of
from indexing.errors import VerificationError
from indexing.releases.workspace import Workspace
from indexing.state.postgres import PostgresState
from tests.indexing.at_work import build, within
from tests.indexing.kinds_of_store import MemoryStores, Stores
from tests.indexing.over_grpc import OverGrpc
from tests.indexing.release_worlds import NUM_ITEMS, Source


def lose_the_last(points: list[models.PointStruct]) -> list[models.PointStruct]:
    return points[:-1]


def change_the_last(points: list[models.PointStruct]) -> list[models.PointStruct]:
    *others, last = points
    return [*others, last.model_copy(update={"payload": {**(last.payload or {}), "min_age": 99}})]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (lose_the_last, f"should hold {NUM_ITEMS} points, it holds {NUM_ITEMS - 1}; build again"),
        (change_the_last, f"the field 'min_age' of row {NUM_ITEMS - 1} in collection '.*' is not what was written"),
    ],
)
def test_a_store_that_holds_something_else_stops_a_build_and_the_next_one_finishes(
    source: Source, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, fault: Any, words: str
) -> None:
    stores, upsert = MemoryStores(tmp_path), OverGrpc.upsert

    async def faulty(self: OverGrpc, collection_name: str, points: Any, **how: Any) -> models.UpdateResult:
        return await upsert(self, collection_name, fault(points), **how)

    async def work(workspace: Workspace) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(OverGrpc, "upsert", faulty)
            with pytest.raises(VerificationError, match=words):
                await build(workspace, source, live=False)
        assert workspace.releases.manifests() == []
        (begun,) = workspace.releases.unfinished()
        # Read and encoded once: only the points are written anew.
        assert await build(workspace, source, live=False) == begun
        assert workspace.releases.manifest(begun).counts.points == NUM_ITEMS

    within(stores, source, work)


def test_collections_that_no_release_knows_are_removed_by_the_next_build_which_says_so(
    stores: Stores, source: Source, capsys: pytest.CaptureFixture[str]
) -> None:
    async def work(workspace: Workspace) -> None:
        first = await build(workspace, source)
        for name in ("r1", "r1.passages", "r2", "r2.passages"):
            # As a build on this host leaves it whose folder is lost, and as another host has it.
            await workspace.store.create(name, schema_of({"text": 4}, ()))
            shutil.rmtree(stores.data_dir / "releases" / name, ignore_errors=True)
        reporter = Reporter("json")
        if isinstance(workspace.state, PostgresState):
            other = PostgresState(workspace.state.url, "another host")
            await other.keep({"r2": 0})
            await other.close()
        deps = source.dependencies(stores.data_dir, workspace.store, reporter, state=workspace.state)
        second = await build_release(source.inputs(), deps)
        there = set(await workspace.store.collections())
        assert there & {first, second.id, "r1", "r1.passages"} == {first, second.id}
        said = capsys.readouterr().err
        if stores.kind != "embedded":
            assert there >= {"r2", "r2.passages"}
            for name in ("r1", "r1.passages"):
                assert f"Removed collection {name}: no release and no running build knows it" in said
        assert f"Removed collection {first}" not in said

    within(stores, source, work)
