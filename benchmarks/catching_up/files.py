"""The same of a log in files: as it lies there, and with what is kept of it for fresh readers."""

import asyncio
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from unittest.mock import patch

from rich.progress import track
from rich.table import Table

from benchmarks.catching_up.puts import DIMS, puts_of
from benchmarks.harness.opened_world import parts_of_world
from indexing.state.files import FilesState
from indexing.state.records import Put
from service.app import open_router
from service.changes.following import LookingFollower


def in_files(num_rows: int, changes: int) -> tuple[Table, float]:
    """Each row again and again, one row a change, until there were so many; how long a fresh worker takes then, as a
    table, and in seconds with what is kept for it."""
    table = Table(
        "changes", "caught up in s", "of them kept", "peak memory", title=f"{num_rows:,} rows of {DIMS} numbers"
    )
    with _folder() as folder:
        puts = list(puts_of(parts_of_world().live.release, num_rows))
        asyncio.run(_append(folder, puts, changes))
        log = folder / "journal" / "changes.log"
        for told in ("all read", "folded"):
            if told == "folded":
                began = time.perf_counter()
                asyncio.run(FilesState(folder).keep({}))
                told = f"folded in {time.perf_counter() - began:.1f} s"
            # In a process of its own, for its memory.
            with get_context("spawn").Pool(1) as apart:
                taken_s, peak = apart.apply(_caught_up, (folder,))
            table.add_row(
                f"{changes:,}, {log.stat().st_size / 2**20:,.0f} MiB", f"{taken_s:.2f}", told, f"{peak:,} MiB"
            )
    return table, taken_s


async def _append(folder: Path, puts: Sequence[Put], changes: int) -> None:
    state = FilesState(folder)
    with patch.object(os, "fsync", lambda _: None):
        for number in track(range(changes), "append"):
            state._log._append([puts[number % len(puts)]])


def _caught_up(folder: Path) -> tuple[float, int]:
    """Seconds until a fresh worker has caught up, and MiB that its process took at most."""
    parts = parts_of_world()

    async def catch_up() -> float:
        router = open_router(parts)
        began = time.perf_counter()
        await LookingFollower(router, FilesState(folder)).begin()
        return time.perf_counter() - began

    taken_s = asyncio.run(catch_up())
    assert parts.live.rows.num_journalled, "nothing was read"
    return taken_s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="nearfield-log-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
