"""A process that reads a shard that others read at the same time; run by test_store_embedded.py.

Usage: python -m tests.indexing.reading_process FOLDER COLLECTION SECONDS; prints how many right answers it saw.
"""

import asyncio
import sys
import time
from pathlib import Path

from indexing.filters.algebra import Equals
from indexing.stores.contract import SearchParams
from indexing.stores.edge import EdgeStore
from tests.indexing.made_points import JAZZ, OLD, PAYLOADS, points_of


async def _read(folder: Path, collection: str, seconds: float) -> int:
    store = EdgeStore(folder)
    await store.open(collection)
    query = points_of(PAYLOADS).vectors["tower"][OLD]
    where = store.prepare(Equals("tags", "jazz"))
    num_right, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        found = await store.nearest(collection, query, using="tower", where=where, limit=9, params=SearchParams(ef=64))
        if found.rows != [OLD, JAZZ]:
            raise AssertionError(found)
        num_right += 1
    await store.close()
    return num_right


if __name__ == "__main__":
    print(asyncio.run(_read(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]))))
