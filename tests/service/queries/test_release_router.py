"""A query may name a release: the live one, the one before it or a pinned one; it never loads another."""

import asyncio
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar.testing import TestClient

from embedding.progress import Reporter
from embedding.rows.row_files import RowFiles
from indexing.building.build import BuildInputs
from indexing.building.run import build_from_settings
from indexing.settings import IndexingSettings
from service.app import create_app
from service.main import open_dependencies
from service.schemas.settings import Settings
from tests.copied_folders import copied
from tests.service.conftest import Client
from tests.service.world import make_items

TOKEN = {"Authorization": "Bearer s3cret"}
GONE = ("metal-3", "metal-4", "metal-5")


@pytest.fixture(scope="module")
def world(text_world: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A data folder with four releases, each without one more item; the newest is live."""
    data_dir = tmp_path_factory.mktemp("pinned") / "world"
    copied(text_world, data_dir)
    ids = [path.name for path in (data_dir / "releases").iterdir()]
    settings = IndexingSettings(data_dir=data_dir, cache_dir=text_world.parent / "vectors", keep_releases=10)
    for number in range(1, len(GONE) + 1):
        with RowFiles(data_dir / "source") as files:
            files.write_items("catalogue.jsonl", [item for item in make_items() if item.id not in GONE[:number]])
        inputs = BuildInputs(catalogue=data_dir / "source" / "catalogue.jsonl")
        ids.append(asyncio.run(build_from_settings(inputs, settings, Reporter("none"), activate=True)).id)
    return data_dir, ids


@pytest.fixture
def client(world: tuple[Path, list[str]], tmp_path: Path) -> Iterator[Client]:
    data_dir = copied(world[0], tmp_path / "world")
    settings = Settings(
        data_dir=data_dir, default_market="SE", admin_token="s3cret", pinned_releases=(world[1][0], "r404")
    )
    with TestClient(create_app(open_dependencies(settings))) as client:
        yield client


def ids_from(client: Client, release: str | None) -> tuple[str, set[str]]:
    answer = client.post("/v1/similar", json={"seeds": [{"id": "metal-1"}], "limit": 100, "release": release})
    assert answer.status_code == 200, answer.text
    return answer.json()["release"], {hit["id"] for hit in answer.json()["hits"]}


def test_each_release_that_is_held_answers_for_itself(client: Client, world: tuple[Path, list[str]]) -> None:
    first, _, before, live = world[1]
    assert client.get("/health/ready").json()["held"] == [first, before, live]
    for named, answering, gone in ((None, live, 3), (live, live, 3), (before, before, 2), (first, first, 0)):
        release, ids = ids_from(client, named)
        assert release == answering
        assert [item in ids for item in GONE] == [number >= gone for number in range(3)]


def test_one_that_is_not_held_is_409_and_one_that_is_not_there_404(
    client: Client, world: tuple[Path, list[str]]
) -> None:
    for release, status, kind in ((world[1][1], 409, "release-not-loaded"), ("r404", 404, "unknown-release")):
        answer = client.post("/v1/similar", json={"seeds": [{"id": "metal-1"}], "release": release})
        assert (answer.status_code, answer.json()["type"]) == (status, f"urn:nearfield:problem:{kind}")
        assert release in answer.json()["detail"]


def test_a_takedown_holds_on_pinned_releases_and_those_before(client: Client, world: tuple[Path, list[str]]) -> None:
    assert all("metal-7" in ids_from(client, release)[1] for release in (world[1][0], world[1][2], None))
    client.put("/v1/items/metal-7/takedown", headers=TOKEN)
    assert not any("metal-7" in ids_from(client, release)[1] for release in (world[1][0], world[1][2], None))


def test_a_spoilt_old_release_does_not_keep_the_live_one_from_being_served(
    world: tuple[Path, list[str]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data_dir = copied(world[0], tmp_path / "world")
    first, _, before, live = world[1]
    (data_dir / "releases" / first / "manifest.json").write_bytes(b"{")
    shutil.rmtree(data_dir / "releases" / before / "points")
    settings = Settings(data_dir=data_dir, default_market="SE", pinned_releases=(first,))
    with caplog.at_level(logging.ERROR), TestClient(create_app(open_dependencies(settings))) as client:
        assert client.get("/health/ready").json()["held"] == [live]
        assert ids_from(client, None)[0] == live
    told = [record.getMessage() for record in caplog.records if "is not held" in record.msg]
    assert sorted(line.split()[1] for line in told) == [first, before]
