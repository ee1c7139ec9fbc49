"""Wrong answers planted in the index by hand: the re-check stops them, counts them and says so."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from litestar.testing import TestClient

from indexing.payload.availability import EVERYWHERE_CLASS
from indexing.releases.releases import Releases
from indexing.state.file_rules import AcceptedRules
from indexing.state.files import FilesState
from indexing.stores.contract import PointBatch
from indexing.stores.edge import EdgeStore
from indexing.words.bm25 import BM25
from service.app import create_app
from service.main import open_dependencies
from service.schemas.settings import Settings
from tests.copied_folders import copied
from tests.service.engine_plans import ask_the_engine
from tests.service.world import EXPLICIT, NOT_YET_OPEN, UNHEARD, US_ONLY


def plant(data_dir: Path) -> None:
    """In the engine alone: the US item open everywhere, and the one that opens in 2030 open now."""

    async def write() -> None:
        store = EdgeStore(data_dir / "releases")
        release_id = await FilesState(data_dir).live()
        assert release_id is not None
        release = Releases(data_dir, store, FilesState(data_dir)).open(release_id)
        rows = [release.columns.ids.find(item_id) for item_id in (US_ONLY, NOT_YET_OPEN)]
        stale = [
            msgspec.structs.replace(release.columns.payload(row), availability_class=EVERYWHERE_CLASS) for row in rows
        ]
        vectors = {space: np.array(release.columns.vectors(space)[rows]) for space in release.manifest.dims}
        await store.open(release_id)
        await store.upsert(
            release_id, PointBatch(rows, vectors, stale, {BM25: release.columns.words.rows.take(np.array(rows))})
        )
        await store.optimise(release_id)
        await store.close()

    asyncio.run(write())


def stale_copy(world: Path, tmp_path: Path) -> Path:
    """A copy of the data folder `world` whose engine has wrong points, and is asked."""
    data_dir = tmp_path / "world"
    copied(world, data_dir)
    plant(data_dir)
    ask_the_engine(data_dir)
    return data_dir


def test_stale_points_never_leave(tower_world: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data_dir = stale_copy(tower_world, tmp_path)
    with TestClient(create_app(open_dependencies(Settings(data_dir=data_dir, default_market="SE")))) as client:
        assert client.get("/health/ready").json()["leaks"] == 0
        queries: list[tuple[str, dict[str, Any]]] = [
            ("/v1/similar", {"seeds": [{"id": "jazz-8"}]}),
            ("/v1/recommend", {"history": [{"id": "jazz-8"}]}),
            ("/v1/recommend", {"user_id": "user-1"}),
            ("/v1/search", {"text": "jazz trio"}),
            ("/v1/search", {"text": "jazz trio", "mode": "semantic"}),
            ("/v1/search", {"text": "jazz trio", "mode": "lexical"}),
        ]
        for route, query in queries:
            before = client.get("/health/ready").json()["leaks"]
            answer = client.post(route, json=query | {"limit": 100}).json()
            assert not {US_ONLY, NOT_YET_OPEN} & {hit["id"] for hit in answer["hits"]}
            # Counted once a query, though the search was widened; told once in all.
            assert client.get("/health/ready").json()["leaks"] == before + 2
            name = route.removeprefix("/v1/")
            for item_id in (US_ONLY, NOT_YET_OPEN):
                why = client.post(f"/v1/items/{item_id}/why", json={name: query}).json()
                assert (why["outcome"], why["rules"]["windows"]) == ("rules", False)
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2
    assert all("leak stopped" in line for line in lines)
    assert US_ONLY in caplog.text


def test_items_that_the_rules_block_by_id_are_no_leak(tower_world: Path, tmp_path: Path) -> None:
    data_dir = tmp_path / "world"
    copied(tower_world, data_dir)
    proposal = tmp_path / "rules.toml"
    proposal.write_text(
        f'[blocked]\nitems = ["{UNHEARD}", "gone"]\ncreators = ["metal makers 1"]\n[seen]\nexclude = false\n'
    )
    version = AcceptedRules(data_dir / "rules").propose(proposal)
    with TestClient(create_app(open_dependencies(Settings(data_dir=data_dir, default_market="SE")))) as client:
        answer = client.post("/v1/recommend", json={"user_id": "user-0", "limit": 100}).json()
        ids = {hit["id"] for hit in answer["hits"]}
        assert UNHEARD not in ids
        assert not {"metal-1", "metal-6", "metal-11", "metal-16"} & ids
        # These rules let a listener hear again what they know.
        assert len(ids) == 80 - 3 - 1 - 4
        assert EXPLICIT in ids
        ready = client.get("/health/ready").json()
        assert ready["leaks"] == 0
        assert ready["rules_version"] == version
