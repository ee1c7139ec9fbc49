"""A collection written by a process of its own is the one that would be written here, and nobody is left behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from indexing.errors import StoreError
from indexing.filters.algebra import OneOf
from indexing.stores.contract import CollectionSchema, PointBatch, SearchParams
from indexing.stores.edge import EdgeStore
from indexing.stores.edge_subprocess import SubprocessEdgeStore
from indexing.words.sparse import SparseRows
from tests.indexing.made_points import PAYLOADS
from tests.indexing.stores.made_words import made_words

NAME, DIMS, NUM = "points-apart", {"tower": 8, "text": 5}, 1_200


def batches() -> list[PointBatch]:
    rng = np.random.default_rng(0)
    vectors = {space: rng.normal(size=(NUM, dims)).astype(np.float32) for space, dims in DIMS.items()}
    payloads = [PAYLOADS[row % len(PAYLOADS)] for row in range(NUM)]
    words = SparseRows.of(made_words(NUM))
    parts = [slice(start, min(start + 500, NUM)) for start in range(0, NUM, 500)]
    return [
        PointBatch(
            range(part.start, part.stop),
            {space: matrix[part] for space, matrix in vectors.items()},
            payloads[part],
            {"bm25": words.part(part.start, part.stop)},
        )
        for part in parts
    ]


def with_store(folder: Path, work: Callable[[SubprocessEdgeStore], Awaitable[None]]) -> None:
    async def run() -> None:
        store = SubprocessEdgeStore(folder)
        try:
            await work(store)
        finally:
            await store.close()

    asyncio.run(run())


async def write(store: EdgeStore) -> None:
    await store.create(NAME, CollectionSchema(DIMS, ("bm25",)))
    for batch in batches():
        await store.upsert(NAME, batch)
    await store.optimise(NAME)


def test_it_writes_what_would_be_written_here(tmp_path: Path) -> None:
    async def work(apart: SubprocessEdgeStore) -> None:
        here = EdgeStore(tmp_path / "here")
        await write(here)
        await write(apart)
        assert await apart.count(NAME) == NUM
        assert await apart.count(NAME, OneOf("kind", frozenset({"track"}))) == await here.count(
            NAME, OneOf("kind", frozenset({"track"}))
        )
        for space, dims in DIMS.items():
            rows = list(range(0, NUM, 7))
            assert np.array_equal(
                await apart.vectors(NAME, rows, using=space), await here.vectors(NAME, rows, using=space)
            )
            query = np.ones(dims, np.float32)
            answers = [
                await store.nearest(NAME, query, using=space, where=None, limit=10, params=SearchParams(exact=True))
                for store in (apart, here)
            ]
            assert answers[0] == answers[1]
        words = made_words(1, seed=3)[0]
        found = [await store.matching(NAME, words, using="bm25", where=None, limit=50) for store in (apart, here)]
        assert len(found[0].rows) == 50
        # The engine adds a point's words up in an order that its files give: float32 sums differ in the last bit.
        np.testing.assert_allclose(found[0].scores, found[1].scores, rtol=1e-6)
        await here.close()

    with_store(tmp_path / "apart", work)


def test_what_the_engine_refuses_is_told_here(tmp_path: Path) -> None:
    async def work(store: SubprocessEdgeStore) -> None:
        await write(store)
        with pytest.raises(StoreError, match="is there already"):
            await store.create(NAME, CollectionSchema(DIMS, ("bm25",)))
        await store.drop(NAME)
        await write(store)

    with_store(tmp_path, work)


def test_a_writer_that_dies_is_told_and_can_be_begun_again(tmp_path: Path) -> None:
    async def work(store: SubprocessEdgeStore) -> None:
        # Other tests of this process may have left theirs.
        before = set(children_of(os.getpid()))
        await store.create(NAME, CollectionSchema(DIMS, ("bm25",)))
        with pytest.raises(StoreError, match="is not open in this process"):
            await store.count(NAME)
        (writer,) = set(children_of(os.getpid())) - before
        os.kill(writer, signal.SIGKILL)
        with pytest.raises(StoreError, match="ended with -9"):
            await fill(store)
        await store.drop(NAME)
        assert writer not in children_of(os.getpid())
        await write(store)

    with_store(tmp_path, work)


async def fill(store: EdgeStore) -> None:
    # More than a pipe holds.
    for _ in range(20):
        await store.upsert(NAME, batches()[0])
    await store.optimise(NAME)


PROGRAM = """
import asyncio, sys
from pathlib import Path
from indexing.stores.edge_subprocess import SubprocessEdgeStore
from tests.indexing.stores.test_edge_subprocess import DIMS, NAME, CollectionSchema

async def main():
    store = SubprocessEdgeStore(Path(sys.argv[1]))
    await store.create(NAME, CollectionSchema(DIMS, ("bm25",)))
    print("begun", flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def test_it_ends_with_the_process_that_began_it_however_that_ends(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"begun\n"
        (writer,) = children_of(parent.pid)
        parent.kill()
        parent.wait()
    until = time.monotonic() + 120
    while Path(f"/proc/{writer}").exists() and "(zombie)" not in Path(f"/proc/{writer}/status").read_text():
        assert time.monotonic() < until
        time.sleep(0.02)


def children_of(pid: int) -> list[int]:
    """Processes that a process's threads have started and that have not ended."""
    children: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        # A thread may end between the listing and the reading, as those of tests before this one do.
        with suppress(FileNotFoundError, ProcessLookupError):
            children += map(int, (task / "children").read_text().split())
    return children
