"""The one collection that all plans are asked over."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.indexing.kinds_of_store import quick_folder
from tests.indexing.search.plans.world import PlansWorld


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, runner: asyncio.Runner) -> Iterator[PlansWorld]:
    with quick_folder(tmp_path_factory.mktemp("plans")) as folder:
        world = PlansWorld(folder / "data")
        runner.run(world.index())
        yield world
        runner.run(world.store.close())
