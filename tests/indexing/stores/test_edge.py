"""What only the embedded store has: folders, a pointer file, several processes over one shard."""

import asyncio
import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import qdrant_edge as edge

from indexing.errors import CollectionMissingError, StoreError
from indexing.filters.algebra import Equals
from indexing.stores.contract import SearchParams
from indexing.stores.edge import EdgeStore
from tests.indexing.kinds_of_store import GRAPH_AT_ONCE
from tests.indexing.made_points import PAYLOADS, SCHEMA, points_of


@pytest.fixture
def folder(data_dir: Path) -> Path:
    return data_dir / "releases"


async def filled(store: EdgeStore, name: str) -> None:
    await store.create(name, SCHEMA)
    await store.upsert(name, points_of(PAYLOADS))
    await store.optimise(name)


def test_a_shard_lies_beside_the_rest_of_its_release(folder: Path) -> None:
    async def run() -> None:
        store = EdgeStore(folder)
        (folder / "r1").mkdir(parents=True)
        (folder / "r1" / "manifest.json").write_text("{}")
        (folder / "notes").mkdir()
        await filled(store, "r1")
        assert (folder / "r1" / "points" / "edge_config.json").is_file()
        assert await store.collections() == ["r1"]
        await store.drop("r1")
        assert [path.name for path in (folder / "r1").iterdir()] == ["manifest.json"]
        await filled(store, "r2")
        await store.drop("r2")
        assert not (folder / "r2").exists()

    asyncio.run(run())


def test_a_removal_cut_short_leaves_nothing_in_the_way(folder: Path) -> None:
    async def run() -> None:
        store = EdgeStore(folder)
        await filled(store, "r1")
        await store.close()
        (folder / "r1" / "points").rename(folder / "r1" / ".points.dropped")
        assert await store.collections() == []
        await filled(store, "r1")
        await store.drop("r1")
        assert not (folder / "r1").exists()

    asyncio.run(run())


def test_optimising_builds_graph_and_indexes_and_no_log(folder: Path) -> None:
    points = points_of(PAYLOADS * 100)
    num_worded = np.count_nonzero(np.diff(points.sparse["bm25"].ends))

    async def run() -> None:
        store = EdgeStore(folder, GRAPH_AT_ONCE)
        await store.create("r1", SCHEMA)
        await store.upsert("r1", points)
        await store.optimise("r1")
        await store.close()

    asyncio.run(run())
    shard = edge.EdgeShard.load(str(folder / "r1" / "points"))
    info = shard.info()
    shard.close()
    assert info.points_count == 400
    # Every vector of both spaces is in a graph, and the words of every point that has some are indexed.
    assert info.indexed_vectors_count == 800 + num_worded
    assert info.payload_schema["availability_class"].points == 400
    assert info.payload_schema["duration_s"].points == 200
    assert not (folder / "r1" / "points" / "wal").exists()


def test_several_processes_read_one_shard_at_once(folder: Path) -> None:
    asyncio.run(filled(EdgeStore(folder), "r1"))
    command = [sys.executable, "-m", "tests.indexing.stores.reading_process", str(folder), "r1", "100"]
    with ExitStack() as stack:
        readers = []
        for _ in range(2):
            reader = stack.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            stack.callback(reader.kill)
            readers.append(reader)
        # Both have it open.
        for reader in readers:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "reads\n"
        for reader in readers:
            assert reader.stdin is not None
            reader.stdin.write("go on\n")
            reader.stdin.flush()
        for reader in readers:
            said, _ = reader.communicate(timeout=300)
            assert (reader.returncode, said) == (0, "100 right\n")


def test_reading_changes_nothing_but_the_order_of_keys_in_json(folder: Path) -> None:
    async def run() -> None:
        writer = EdgeStore(folder, GRAPH_AT_ONCE)
        await writer.create("r1", SCHEMA)
        await writer.upsert("r1", points_of(PAYLOADS * 100))
        await writer.optimise("r1")
        written = contents_of(folder)
        await writer.close()
        # A release's hash is over these files, and its writer may close after it was taken.
        assert contents_of(folder) == written
        reader = EdgeStore(folder)
        await reader.open("r1")
        await reader.count("r1", Equals("kind", "track"))
        await reader.vectors("r1", [1, 2], using="tower")
        await reader.close()
        assert contents_of(folder) == written

    asyncio.run(run())


def contents_of(folder: Path) -> dict[Path, object]:
    """Bytes of each file; of JSON what it says, which the engine writes anew in any order when it loads and closes."""
    return {
        path: json.loads(path.read_bytes()) if path.suffix == ".json" else path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_nothing_is_loaded_by_surprise(folder: Path) -> None:
    async def run() -> None:
        writer = EdgeStore(folder)
        await filled(writer, "r1")
        reader = EdgeStore(folder)
        with pytest.raises(StoreError, match="not open in this process: call open first") as caught:
            await reader.count("r1")
        assert not isinstance(caught.value, CollectionMissingError)
        await reader.open("r1")
        assert await reader.count("r1", Equals("kind", "track")) == 3
        await reader.close()
        with pytest.raises(StoreError, match="not open"):
            await reader.nearest(
                "r1",
                points_of(PAYLOADS).vectors["tower"][0],
                using="tower",
                where=None,
                limit=1,
                params=SearchParams(),
            )

    asyncio.run(run())


@pytest.mark.parametrize("name", ["", "..", ".", "a/b", "../x", "a\n", "é", "..x"])
def test_a_name_is_never_a_way_out_of_the_folder(folder: Path, name: str) -> None:
    with pytest.raises(StoreError, match="a collection's name has letters"):
        asyncio.run(EdgeStore(folder).create(name, SCHEMA))


def test_a_shard_that_cannot_be_read_is_named(folder: Path) -> None:
    asyncio.run(filled(EdgeStore(folder), "r1"))
    for path in (folder / "r1" / "points" / "segments").rglob("version.info"):
        path.write_bytes(b"")
    with pytest.raises(StoreError, match=r"could not open collection 'r1' in .*r1/points: .*version"):
        asyncio.run(EdgeStore(folder).open("r1"))
