"""While the engine is away: the same answers under the same rules, which say so, or 503 at once; and no flood of lines.

The engine is the embedded one, which is made to fail; tests/service/api/test_server_faults.py has a real server.
"""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient
from msgspec.structs import replace

from indexing.errors import EngineAwayError, KeyRefusedError
from service.app import create_app
from service.main import open_dependencies
from service.schemas.settings import Settings
from tests.copied_folders import copied
from tests.service.api.test_problems import problem
from tests.service.conftest import Client
from tests.service.engine_plans import ask_the_engine
from tests.service.world import ADULT, EXPLICIT, NOT_YET_OPEN, US_ONLY

TOKEN = "secret"
QUERIES: list[tuple[str, dict[str, Any]]] = [
    ("similar", {"seeds": [{"id": "jazz-8"}]}),
    ("similar", {"seeds": [{"id": "jazz-8"}], "context": {"explicit": False, "blocked_creators": ["Jazz Makers 1"]}}),
    ("recommend", {"user_id": "user-1"}),
    ("recommend", {"history": [{"id": "metal-3"}], "mix": {"track": 1, "episode": 1}}),
    ("search", {"text": "jazz trio", "mode": "lexical"}),
    ("search", {"text": "a murder and the trial", "mode": "semantic"}),
    ("search", {"text": "bread and soup", "mode": "hybrid"}),
    ("search", {"text": "bread and soup", "seeds": [{"id": "cooking-3"}]}),
]


class Engine:
    """The store's own searches, or none while it `is_away`."""

    def __init__(self, store: Any, patch: pytest.MonkeyPatch) -> None:
        self.is_away = False
        self.num_asked = 0
        self.error: Exception = EngineAwayError("could not search: UNAVAILABLE: 10.0.0.7 refused")
        for name in ("nearest", "matching"):
            patch.setattr(store, name, self._wrapped(getattr(store, name)))
        patch.setattr(store, "trouble", self.trouble)

    def _wrapped(self, search: Any) -> Any:
        async def asked(*of: Any, **more: Any) -> Any:
            self.num_asked += 1
            if self.is_away:
                raise self.error
            return await search(*of, **more)

        return asked

    async def trouble(self) -> str | None:
        return str(self.error) if self.is_away else None


@pytest.fixture(scope="module")
def world(tower_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy in which the engine answers whatever it can."""
    folder = tmp_path_factory.mktemp("engine-away") / "world"
    copied(tower_world, folder)
    ask_the_engine(folder)
    return folder


@pytest.fixture
def served(world: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Client, Engine]]:
    parts = open_dependencies(Settings(data_dir=world, default_market="SE", admin_token=TOKEN))
    # The engine in this process stands in for one on a server: only such a one goes away.
    parts = replace(parts, settings=replace(parts.settings, qdrant_url="http://127.0.0.1:1"))
    with TestClient(create_app(parts)) as client:
        yield client, Engine(parts.store, monkeypatch)


@pytest.mark.parametrize(("kind", "query"), QUERIES)
def test_the_columns_give_the_same_answer_and_it_says_so(
    served: tuple[Client, Engine], kind: str, query: dict[str, Any]
) -> None:
    client, engine = served
    engine.is_away = True
    away = client.post(f"/v1/{kind}", json=query | {"limit": 30})
    assert engine.num_asked
    engine.is_away = False
    there = client.post(f"/v1/{kind}", json=query | {"limit": 30})
    assert away.status_code == there.status_code == 200, away.text
    assert away.json()["degraded"] == ["engine"]
    assert "degraded" not in there.json()
    assert [hit["id"] for hit in away.json()["hits"]] == [hit["id"] for hit in there.json()["hits"]]
    assert [hit["score"] for hit in away.json()["hits"]] == pytest.approx(
        [hit["score"] for hit in there.json()["hits"]], abs=1e-5
    )


def test_the_rules_hold_and_a_takedown_too(served: tuple[Client, Engine]) -> None:
    client, engine = served
    engine.is_away = True
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert client.put("/v1/items/jazz-9/takedown", headers=bearer).json()["taken_down"]
    try:
        query = {"seeds": [{"id": "jazz-8"}], "kinds": ["track"], "limit": 100, "context": {"explicit": False}}
        ids = {hit["id"] for hit in client.post("/v1/similar", json=query).json()["hits"]}
    finally:
        client.delete("/v1/items/jazz-9/takedown", headers=bearer)
    assert "jazz-10" in ids
    assert not ids & {"jazz-9", "jazz-8", US_ONLY, NOT_YET_OPEN, EXPLICIT, ADULT}
    assert client.get("/health/ready").json()["leaks"] == 0


def test_explain_names_the_plan_that_was_used(served: tuple[Client, Engine]) -> None:
    client, engine = served
    query = {"seeds": [{"id": "jazz-8"}], "explain": True, "limit": 3}
    plans = []
    for engine.is_away in (False, True):
        hits = client.post("/v1/similar", json=query).json()["hits"]
        plans.append({hit["explain"]["plan"] for hit in hits})
    assert plans == [{"exact"}, {"columns"}]


def test_each_query_of_a_batch_says_it_for_itself(served: tuple[Client, Engine]) -> None:
    client, engine = served
    engine.is_away = True
    queries = [{kind: query} for kind, query in QUERIES] + [{"recommend": {"history": []}}]
    outcomes = client.post("/v1/batch", json={"queries": queries}).json()["outcomes"]
    assert [outcome["answer"].get("degraded") for outcome in outcomes] == [["engine"]] * len(QUERIES) + [None]


def test_pages_join_when_the_engine_goes_away_between_them(served: tuple[Client, Engine]) -> None:
    client, engine = served
    query = {"seeds": [{"id": "jazz-8"}], "limit": 5}
    whole = [hit["id"] for hit in client.post("/v1/similar", json=query | {"limit": 15}).json()["hits"]]
    listed: list[str] = []
    cursor: dict[str, str] = {}
    for engine.is_away in (False, True, False):
        page = client.post("/v1/similar", json=query | cursor).json()
        listed += [hit["id"] for hit in page["hits"]]
        cursor = {"cursor": page["next_cursor"]}
    assert listed == whole


def test_what_cannot_be_done_in_time_is_503_without_a_line(
    served: tuple[Client, Engine], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client, engine = served
    engine.is_away = True
    monkeypatch.setattr("indexing.search.word_scan._ENTRY_S", 1.0)
    response = client.post("/v1/search", json={"text": "jazz trio", "mode": "lexical"})
    told = problem(response, "store-unavailable")
    assert response.headers["retry-after"] == "5"
    assert "10.0.0.7" not in response.text
    assert "incident" not in told
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_ready_says_that_the_engine_is_away_and_stays_ready(served: tuple[Client, Engine]) -> None:
    client, engine = served
    ready = client.get("/health/ready").json()
    assert ready["engine"] == "ready"
    assert "engine_reason" not in ready
    engine.is_away = True
    response = client.get("/health/ready")
    assert response.status_code == 200
    assert response.json()["status"] == "ready"
    assert response.json()["engine"] == "away"
    assert "UNAVAILABLE" in response.json()["engine_reason"]


def test_a_change_that_the_key_does_not_allow_is_403_and_names_the_setting(
    served: tuple[Client, Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = served

    async def refused(*_: Any, **__: Any) -> Any:
        raise KeyRefusedError("could not write: PERMISSION_DENIED: 10.0.0.7")

    monkeypatch.setattr("service.changes.changes.take_down", refused)
    response = client.put("/v1/items/jazz-9/takedown", headers={"Authorization": f"Bearer {TOKEN}"})
    assert "qdrant_api_key" in problem(response, "store-read-only")["detail"]
    assert "10.0.0.7" not in response.text
