"""What benchmarks hold answers against is read from where the settings keep the state."""

import asyncio
from pathlib import Path
from typing import Literal

import pytest

from benchmarks.harness.exact_answers import Exact, shown
from benchmarks.harness.opened_world import CONTEXT
from benchmarks.harness.world import PlantedEncoder, build_world_in
from indexing.settings import IndexingSettings
from indexing.state.contract import StateStore
from indexing.state.files import FilesState
from indexing.state.open import open_state
from indexing.state.records import TakenDown
from tests.postgres_server import shared_server

SEED, NUM_ITEMS = "item:0", 60


async def _take_down(state: StateStore, item_id: str) -> None:
    try:
        await state.append([TakenDown(item_id)])
    finally:
        await state.close()


@pytest.mark.parametrize("place", ["files", "database"])
def test_a_takedown_is_read_from_where_the_state_lies_and_nowhere_else(
    place: Literal["files", "database"], tmp_path: Path
) -> None:
    state_url = shared_server().new_database() if place == "database" else None
    settings = IndexingSettings(data_dir=tmp_path, state_url=state_url)
    release = asyncio.run(build_world_in(settings, NUM_ITEMS, PlantedEncoder(8))).id
    nearest, second, *_ = Exact(shown(settings, release), CONTEXT).nearest(SEED, 10)
    asyncio.run(_take_down(open_state(settings), nearest))
    if place == "database":
        # What lies in the data folder beside it says nothing.
        asyncio.run(_take_down(FilesState(tmp_path), second))

    now = shown(settings, release)

    assert now.rows.taken_down.keys() == {nearest}
    answer = Exact(now, CONTEXT).nearest(SEED, 10)
    assert nearest not in answer
    assert next(iter(answer)) == second
