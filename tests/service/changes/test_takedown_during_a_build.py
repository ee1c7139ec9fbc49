"""An item taken down over HTTP while a build is at work is in no answer any more, whichever release answers."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from litestar.testing import TestClient

from embedding.progress import Reporter
from indexing.building.build import BuildInputs
from indexing.building.run import build_from_settings
from indexing.releases.releases import Releases
from indexing.settings import IndexingSettings
from indexing.state.files import FilesState
from indexing.stores.edge import EdgeStore
from service.app import create_app
from service.main import open_dependencies
from service.schemas.settings import Settings
from tests.copied_folders import copied
from tests.service.conftest import Client

TOKEN = {"Authorization": "Bearer s3cret"}
DOWN, UP = "metal-7", "metal-8"


class WhileEncoding(Reporter):
    """Does `work` when the build has read its catalogue and begins to encode it."""

    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__("none")
        self.work = work

    def stage(self, name: str, total: int | None = None) -> Any:
        if name == "encode":
            self.work()
        return super().stage(name, total)


@contextmanager
def worker(data_dir: Path, *pinned: str) -> Iterator[Client]:
    settings = Settings(data_dir=data_dir, default_market="SE", admin_token="s3cret", pinned_releases=pinned)
    with TestClient(create_app(open_dependencies(settings))) as client:
        yield client


def shown(client: Client, release: str | None = None) -> tuple[str, bool, bool]:
    """Which release answered, and whether each of the two items is in its answer."""
    answer = client.post("/v1/similar", json={"seeds": [{"id": "metal-1"}], "limit": 100, "release": release})
    assert answer.status_code == 200, answer.text
    ids = {hit["id"] for hit in answer.json()["hits"]}
    return answer.json()["release"], DOWN in ids, UP in ids


def test_absent_before_during_and_after_activation_after_a_rollback_and_in_a_pinned_release(
    text_world: Path, tmp_path: Path
) -> None:
    data_dir = copied(text_world, tmp_path / "world")
    releases = Releases(data_dir, EdgeStore(data_dir / "releases"), FilesState(data_dir))
    settings = IndexingSettings(data_dir=data_dir, cache_dir=text_world.parent / "vectors")
    inputs = BuildInputs(catalogue=data_dir / "source" / "catalogue.jsonl")
    first = asyncio.run(releases.live_id())
    seen: list[tuple[str, bool, bool]] = []
    with worker(data_dir) as client:

        def take_down() -> None:
            seen.append(shown(client))
            assert client.put(f"/v1/items/{DOWN}/takedown", headers=TOKEN).json()["taken_down"]
            seen.append(shown(client))

        reporter = WhileEncoding(take_down)
        second = asyncio.run(build_from_settings(inputs, settings, reporter, activate=False)).id
        assert seen == [(first, True, True), (first, False, True)]
        # Built like any other row, and absent before the release that has it is live.
        assert releases.open(second).columns.ids.find(DOWN) >= 0
        assert shown(client) == (first, False, True)
        with worker(data_dir, second) as pinning:
            assert shown(pinning, second) == (second, False, True)
        asyncio.run(releases.activate(second))
        # The worker that is still there, and one that comes with the new release and holds the old one.
        assert shown(client) == (first, False, True)
        with worker(data_dir, first) as fresh:
            assert [shown(fresh, asked) for asked in (None, first)] == [(second, False, True), (first, False, True)]
        assert asyncio.run(releases.rollback()) == first
        with worker(data_dir, second) as back:
            assert [shown(back, asked) for asked in (None, second)] == [(first, False, True), (second, False, True)]
            # Lifted after all that, it is there again on both at once.
            back.delete(f"/v1/items/{DOWN}/takedown", headers=TOKEN)
            assert [shown(back, asked) for asked in (None, second)] == [(first, True, True), (second, True, True)]
        assert shown(client) == (first, True, True)
