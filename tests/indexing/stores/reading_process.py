"""A process that reads a shard that others read at the same time; run by test_edge.py.

Usage: python -m tests.indexing.stores.reading_process FOLDER COLLECTION NUMBER

Says `reads` once it has read, waits for a line, reads so many times more, and says how many answers were right.
"""

import asyncio
import sys
from pathlib import Path

from indexing.filters.algebra import Equals
from indexing.stores.contract import SearchParams
from indexing.stores.edge import EdgeStore
from tests.indexing.made_points import JAZZ, OLD, PAYLOADS, points_of


async def _read(folder: Path, collection: str, number: int) -> int:
    store = EdgeStore(folder)
    await store.open(collection)
    query = points_of(PAYLOADS).vectors["tower"][OLD]
    where = store.prepare(Equals("tags", "jazz"))

    async def is_right() -> bool:
        found = await store.nearest(collection, query, using="tower", where=where, limit=9, params=SearchParams(ef=64))
        return list(found.rows) == [OLD, JAZZ]

    assert await is_right()
    print("reads", flush=True)
    sys.stdin.readline()
    num_right = sum([await is_right() for _ in range(number)])
    await store.close()
    return num_right


if __name__ == "__main__":
    print(asyncio.run(_read(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))), "right")
