"""How soon a fresh worker is ready after many changes of few rows, where the state is in PostgreSQL.

    python -m benchmarks.fresh_worker [--changes 1000000] [--rows 10000] [--items 100000]

The changes are appended by the product, 100 rows a frame as a `PUT` does, each row as often as any other. Then what a
fresh worker does with them: connect, read the log from its beginning, apply it to the live release; and `nearfield
serve` as a whole, from the command to its first answer, with the log as it is and, for comparison, with none.
The database is started here.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from rich.console import Console

from benchmarks.harness.served import NO_ENCODER, served
from benchmarks.harness.world import PlantedEncoder, build_world_in
from embedding.rows.catalogue_parser import CATALOGUE_PARSER
from embedding.text.text_vectors import CachedText
from embedding.text.vector_cache import VectorCache
from indexing.journal.current_rows import CurrentRows
from indexing.release.release import Release
from indexing.releases.record_encoder import RecordEncoder
from indexing.releases.releases import Releases
from indexing.state.open import open_state
from indexing.state.records import Put
from indexing.stores.edge import EdgeStore
from service.schemas.settings import Settings
from tests.postgres_server import PostgresServer, postgres_server

DIMS = 64
# Rows of one frame: as many as a `PUT` takes.
_FRAME_ROWS = 100
_READY_WITHIN_S = 10.0
_PORT = 18_086
_SIZE = "SELECT count(*), pg_size_pretty(pg_total_relation_size('nearfield.records')) FROM nearfield.records"


class Taken(Struct, frozen=True):
    """Seconds to connect and read the log, and to apply it; how many rows of the release it put."""

    read_s: float
    apply_s: float
    num_rows: int


def main() -> None:
    """Build, append, measure; exit code 1 where a fresh worker takes longer than it may."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--changes", type=int, default=1_000_000)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--items", type=int, default=100_000)
    arguments = parser.parse_args()
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory(prefix="nearfield-fresh-worker-") as name, postgres_server() as postgres:
        url = postgres.new_database()
        settings = Settings(data_dir=Path(name), port=_PORT, encoder=NO_ENCODER, state_url=url)
        release_id = asyncio.run(build_world_in(settings, arguments.items, PlantedEncoder(DIMS))).id
        without_s = _served_s(settings)
        puts = _puts(settings, arguments.rows)
        began = time.perf_counter()
        num_frames = asyncio.run(_append(settings, puts, arguments.changes))
        appended_s = time.perf_counter() - began
        console.print(
            f"{num_frames * _FRAME_ROWS:,} changes of {len(puts):,} rows, {num_frames:,} frames, appended in "
            f"{appended_s:.0f} s ({num_frames / appended_s:,.0f} frames a second); records: {_size(postgres, url)}"
        )
        taken = asyncio.run(_fresh(settings, release_id))
        console.print(
            f"a fresh reader: connected and read in {taken.read_s:.2f} s, applied to {arguments.items:,} rows in "
            f"{taken.apply_s:.2f} s, {taken.num_rows:,} rows put"
        )
        with_s = _served_s(settings)
        console.print(f"`nearfield serve` until it answers: {with_s:.1f} s; without a log {without_s:.1f} s")
    took_s = taken.read_s + taken.apply_s
    if taken.num_rows != len(puts) or took_s > _READY_WITHIN_S:
        sys.exit(f"expected {len(puts):,} rows within {_READY_WITHIN_S:g} s, came {taken.num_rows:,} in {took_s:.1f} s")


def _puts(settings: Settings, num_rows: int) -> list[Put]:
    with (settings.data_dir / "catalogue.jsonl").open("rb") as lines:
        items = [CATALOGUE_PARSER.from_json(line) for line in islice(lines, num_rows)]
    releases = Releases(settings.data_dir, EdgeStore(settings.data_dir / "releases"), open_state(settings))
    encoder = PlantedEncoder(DIMS)
    with VectorCache.of(settings.vector_cache_dir, encoder) as cache:
        return RecordEncoder(releases).puts(items, None, CachedText(encoder, cache))


async def _append(settings: Settings, puts: Sequence[Put], num_changes: int) -> int:
    """Every row in turn, in another order each time round; the number of frames."""
    state, dice, num_frames = open_state(settings), np.random.default_rng(0), 0
    try:
        while num_frames * _FRAME_ROWS < num_changes:
            order = dice.permutation(len(puts))
            for start in range(0, len(order), _FRAME_ROWS):
                # Other than the one before, as a change is.
                changed = [
                    replace(puts[place], item=replace(puts[place].item, duration_s=float(num_frames)))
                    for place in order[start : start + _FRAME_ROWS]
                ]
                await state.append(changed)
                num_frames += 1
    finally:
        await state.close()
    return num_frames


async def _fresh(settings: Settings, release_id: str) -> Taken:
    rows = CurrentRows(Release(settings.data_dir / "releases" / release_id))
    began = time.perf_counter()
    state = open_state(settings)
    try:
        frames = await state.reader().fresh()
    finally:
        await state.close()
    read = time.perf_counter()
    for frame in frames:
        rows.apply(frame)
    return Taken(read - began, time.perf_counter() - read, rows.num_journalled)


def _served_s(settings: Settings) -> float:
    """Seconds from the command to its first answer."""
    began = time.perf_counter()
    with served(settings):
        return time.perf_counter() - began


def _size(postgres: PostgresServer, url: str) -> str:
    num, size = postgres.execute(_SIZE, url.removeprefix("postgresql://postgres@/").partition("?")[0])[0]
    return f"{num:,} in {size}"


if __name__ == "__main__":
    main()
