"""A release is asked with the encoder that made it, whatever the settings name for the next build."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient
from msgspec.structs import replace
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import BoW

from embedding.progress import Reporter
from embedding.settings import EncoderPlace
from indexing.building.build import BuildInputs
from indexing.building.compaction import compact
from indexing.building.run import build_from_settings
from indexing.releases.activation import rollback
from indexing.releases.workspace import open_workspace
from indexing.sync.run import run_sync
from service.app import create_app
from service.main import open_dependencies
from service.schemas.settings import Settings
from tests.service.conftest import Client

QUIET = Reporter("none")
WORDS = ["jazz", "piano", "rain", "sleep", "metal", "guitar"]


def row(item_id: str, text: str) -> dict[str, Any]:
    return {"id": item_id, "kind": "episode", "title": text, "creator": "A show"}


ROWS = [row("a", "jazz piano"), row("b", "rain sleep"), row("c", "metal guitar"), row("d", "jazz rain")]


class World:
    """A data folder, two encoders of other dims, and a release by each: the newer one, of `other`, is live."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.first, self.other = self._encoder("first", WORDS), self._encoder("other", ["something", *WORDS])
        self.settings = Settings(
            data_dir=folder / "data", encoder=self.other, default_market="SE", admin_token="s3cret", max_removed_share=1
        )
        self.older, self.newer = (self.build(place) for place in (self.first, self.other))

    def _encoder(self, name: str, vocabulary: list[str]) -> EncoderPlace:
        folder = self.folder / name
        SentenceTransformer(modules=[BoW(vocab=vocabulary)], device="cpu").save(str(folder), create_model_card=False)
        return EncoderPlace(folder)

    def catalogue(self, *rows: dict[str, Any]) -> Path:
        file = self.folder / "catalogue.jsonl"
        file.write_text("".join(json.dumps(one) + "\n" for one in rows))
        return file

    def build(self, encoder: EncoderPlace) -> str:
        inputs = BuildInputs(catalogue=self.catalogue(*ROWS))
        settings = replace(self.settings, encoder=encoder)
        return asyncio.run(build_from_settings(inputs, settings, QUIET, activate=True, force=True)).id

    def rolled_back(self) -> None:
        async def work() -> None:
            async with open_workspace(self.settings) as workspace:
                await rollback(workspace)

        asyncio.run(work())

    def served(self) -> Client:
        return TestClient(create_app(open_dependencies(self.settings)))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def found(client: Client, text: str, release: str | None = None) -> list[str]:
    body = {"text": text, "mode": "semantic", "limit": 2} | ({} if release is None else {"release": release})
    answer = client.post("/v1/search", json=body)
    assert answer.status_code == 200, answer.text
    return [hit["id"] for hit in answer.json()["hits"]]


def put(client: Client, *rows: dict[str, Any]) -> None:
    answer = client.put("/v1/items", json={"items": list(rows)}, headers={"Authorization": "Bearer s3cret"})
    assert answer.status_code == 200, answer.text


def test_one_worker_asks_each_release_with_its_own_encoder(world: World) -> None:
    with world.served() as client:
        assert set(client.get("/health/ready").json()["held"]) == {world.older, world.newer}
        for release in (None, world.older, world.newer):
            assert found(client, "metal guitar", release)[0] == "c"
            assert found(client, "rain sleep", release)[0] == "b"


def test_the_manifest_names_what_the_setting_named(world: World) -> None:
    manifest = json.loads((world.settings.data_dir / "releases" / world.older / "manifest.json").read_text())
    assert manifest["encoder"] == world.first


def test_rollback_across_the_change_encodes_what_was_put_since_and_is_served(world: World) -> None:
    with world.served() as client:
        put(client, row("new", "guitar sleep"))
        assert found(client, "guitar sleep")[0] == "new"
    world.rolled_back()
    with world.served() as client:
        assert client.get("/health/ready").json()["release"] == world.older
        assert found(client, "guitar sleep")[0] == "new"
        assert found(client, "metal guitar")[0] == "c"
        put(client, row("newer", "piano sleep"))
        assert found(client, "piano sleep")[0] == "newer"


def test_sync_and_compaction_of_what_is_live_use_its_encoder_not_the_settings(world: World) -> None:
    world.rolled_back()
    changed = world.catalogue(*ROWS[:3], row("d", "guitar rain"), row("e", "piano rain"))
    asyncio.run(run_sync(changed, world.settings, QUIET))
    with world.served() as client:
        assert found(client, "guitar rain")[0] == "d"

    async def work() -> str:
        async with open_workspace(world.settings) as workspace:
            compacted = await compact(workspace, QUIET)
            assert compacted is not None
            return compacted.id

    compacted = asyncio.run(work())
    manifest = json.loads((world.settings.data_dir / "releases" / compacted / "manifest.json").read_text())
    assert manifest["encoder"] == world.first
    with world.served() as client:
        assert client.get("/health/ready").json()["release"] == compacted
        assert found(client, "guitar rain")[0] == "d"
        assert found(client, "piano rain")[0] == "e"


def test_an_encoder_that_moved_is_found_by_its_hash_where_the_settings_point(world: World) -> None:
    moved = EncoderPlace(world.folder / "moved")
    Path(world.first).rename(moved)
    world.rolled_back()
    with world.served() as client:
        refused = client.post("/v1/search", json={"text": "rain sleep", "mode": "semantic"})
        assert refused.json()["type"] == "urn:nearfield:problem:encoder-absent"
        reason = client.get("/health/ready").json()["encoder_reason"]
        assert world.other in reason
        assert world.first in reason
    world.settings = replace(world.settings, encoder=moved)
    with world.served() as client:
        assert found(client, "rain sleep")[0] == "b"
