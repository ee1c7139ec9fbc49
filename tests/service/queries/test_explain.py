"""`explain` and `why` on the planted world: every reason for which an item may not come, each by its name."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from litestar.testing import TestClient

from indexing.rules.context import RequestContext
from indexing.search.finder import Finder
from indexing.state.file_log import FileLog
from indexing.state.file_rules import AcceptedRules
from indexing.state.records import TakenDown
from service.app import create_app
from service.main import open_dependencies
from service.schemas.settings import Settings
from tests.copied_folders import copied
from tests.service.api.test_problems import problem
from tests.service.conftest import Client
from tests.service.world import EXPLICIT, NOT_YET_OPEN, US_ONLY

SE = {"market": "SE"}
SIMILAR: dict[str, Any] = {"seeds": [{"id": "metal-3"}, {"id": "crime-2"}], "context": SE}


@pytest.fixture(scope="module")
def data_dir(tower_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With rules that cap, move and boost, and an item taken down."""
    data_dir = tmp_path_factory.mktemp("explained") / "world"
    copied(tower_world, data_dir)
    proposal = data_dir / "rules.toml"
    proposal.write_text("[caps]\nper_creator = 2\n[diversity]\nstrength = 0.4\n[popularity]\nboost = 0.2\n")
    AcceptedRules(data_dir / "rules").propose(proposal)
    asyncio.run(FileLog(data_dir / "journal").append((TakenDown("metal-9"),)))
    return data_dir


@pytest.fixture(scope="module")
def arranged(data_dir: Path) -> Iterator[Client]:
    """Of a service over that folder."""
    with TestClient(create_app(open_dependencies(Settings(data_dir=data_dir)))) as client:
        yield client


def why(client: Client, item_id: str, **query: Any) -> dict[str, Any]:
    answer = client.post(f"/v1/items/{item_id}/why", json=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_hit_says_what_its_place_comes_of(arranged: Client, data_dir: Path) -> None:
    # Which one is a question of speed, and so of the machine that built the release.
    parts = open_dependencies(Settings(data_dir=data_dir))
    live = parts.live
    finder = Finder.of_release(parts.store, live.release, live.rules.version)
    compiled = live.rules.compile(RequestContext(market="SE", at_s=int(time.time())))
    plan = finder.plan_name(compiled, "tower")
    answer = arranged.post("/v1/similar", json=SIMILAR | {"explain": True, "limit": 12}).json()
    popularity = {}
    shown: list[str] = []
    for hit in answer["hits"]:
        said = hit["explain"]
        item = arranged.get(f"/v1/items/{quote(hit['id'], safe='')}").json()
        popularity[hit["id"]] = item["popularity"]
        score = said["score"]
        assert score["popularity"] == pytest.approx(0.2 * popularity[hit["id"]], abs=1e-6)
        assert score["freshness"] == 0.0
        assert score["similarity"] + score["popularity"] == pytest.approx(hit["score"], abs=1e-5)
        assert -0.4 - 1e-6 <= score["likeness"] <= (0.4 if shown else 0.0)
        assert said["nearest_seed"]["id"] in ("metal-3", "crime-2")
        assert all(said["rules"].values())
        assert {"windows", "age"} <= said["rules"].keys()
        assert said["plan"] == plan
        shown.append(hit["id"])
    # The greedy choice, from what is told alone: no later hit would have been worth more at the first place.
    worth = [0.6 * hit["score"] for hit in answer["hits"]]
    assert worth[0] == max(worth)
    plain = arranged.post("/v1/similar", json=SIMILAR | {"limit": 12}).json()
    assert [hit["id"] for hit in plain["hits"]] == shown
    assert "explain" not in plain["hits"][0]


@pytest.mark.parametrize(("route", "query"), [("recommend", {"user_id": "user-3"}), ("search", {"text": "jazz trio"})])
def test_every_route_explains(client: Client, route: str, query: dict[str, Any]) -> None:
    body = query | {"context": SE, "explain": True} | ({"mode": "semantic"} if route == "search" else {})
    for hit in client.post(f"/v1/{route}", json=body).json()["hits"]:
        said = hit["explain"]
        assert ("nearest_seed" in said) == (route == "recommend")
        assert said["score"]["similarity"] == pytest.approx(hit["score"], abs=1e-5)


def test_what_comes_says_at_which_place(client: Client) -> None:
    hits = client.post("/v1/similar", json=SIMILAR | {"limit": 30}).json()["hits"]
    third = why(client, hits[2]["id"], similar=SIMILAR)
    assert (third["outcome"], third["place"], third["stage"]) == ("shown", 3, "page")
    assert third["score"] == pytest.approx(hits[2]["score"], abs=1e-5)
    far = why(client, hits[20]["id"], similar=SIMILAR)
    assert (far["outcome"], far["place"]) == ("cut_off", 21)
    assert "the first page has 10" in far["told"]
    assert far["rank"] >= far["place"]
    assert far["num_items"] == 80


@pytest.mark.parametrize(
    ("route", "query"),
    [
        ("search", {"text": "Jazz Makers 2"}),
        ("search", {"text": "a quiet jazz trio", "mode": "semantic"}),
        ("search", {"text": "jazz trio", "mode": "lexical"}),
        ("similar", {"seeds": [{"id": "jazz-8"}], "mix": {"track": 2, "episode": 1}}),
        ("recommend", {"user_id": "user-1", "mix": {"track": 1, "episode": 2}}),
    ],
)
def test_what_comes_scores_what_its_hit_scores(client: Client, route: str, query: dict[str, Any]) -> None:
    asked = query | {"context": SE, "limit": 9}
    hits = client.post(f"/v1/{route}", json=asked).json()["hits"]
    assert len(hits) == 9
    for place, hit in enumerate(hits, start=1):
        told = why(client, quote(hit["id"], safe=""), **{route: asked})
        assert (told["outcome"], told["place"]) == ("shown", place)
        assert told["score"] == pytest.approx(hit["score"], abs=1e-5)
        among = [other for other in hits if "mix" not in query or other["kind"] == hit["kind"]]
        assert told["num_items"] >= told["rank"] > sum(other["score"] > hit["score"] for other in among)


@pytest.mark.parametrize(
    ("item_id", "query", "outcome", "against"),
    [
        (US_ONLY, {"similar": SIMILAR}, "rules", ["windows"]),
        (NOT_YET_OPEN, {"similar": SIMILAR}, "rules", ["windows"]),
        (EXPLICIT, {"similar": SIMILAR | {"context": SE | {"explicit": False}}}, "rules", ["explicit"]),
        ("jazz-4", {"similar": SIMILAR | {"kinds": ["episode"]}}, "rules", ["age", "kinds"]),
        ("metal-3", {"similar": SIMILAR}, "seed", []),
        ("metal-5", {"similar": SIMILAR | {"exclude": ["metal-5"]}}, "excluded", []),
        ("metal-5", {"similar": SIMILAR | {"context": SE | {"blocked_items": ["metal-5"]}}}, "excluded", []),
        (
            "metal-5",
            {"similar": SIMILAR | {"context": SE | {"blocked_creators": ["Metal Makers 0"]}}},
            "rules",
            ["blocked"],
        ),
        ("metal-6", {"recommend": {"user_id": "user-1", "context": SE}}, "seen", []),
        ("metal-9", {"similar": SIMILAR}, "taken_down", []),
    ],
)
def test_what_does_not_come_says_why(
    arranged: Client, item_id: str, query: dict[str, Any], outcome: str, against: list[str]
) -> None:
    told = why(arranged, item_id, **query)
    assert told["outcome"] == outcome, told
    assert told["stage"] == ("exclusions" if outcome in ("seed", "excluded", "seen") else "re-check")
    assert sorted(rule for rule, passes in told["rules"].items() if not passes) == against
    assert "place" not in told
    assert told["rank"] >= 1
    assert all(rule in told["told"] for rule in against)


def test_a_cap_says_so(arranged: Client) -> None:
    hits = arranged.post("/v1/similar", json=SIMILAR | {"limit": 100}).json()["hits"]
    makers = [hit["creator"] for hit in hits]
    came = {hit["id"] for hit in hits}
    left_out = next(f"metal-{n}" for n in range(20) if f"metal-{n}" not in came | {"metal-3", "metal-9"})
    assert makers.count(f"Metal Makers {int(left_out.split('-')[1]) % 5}") == 2
    told = why(arranged, left_out, similar=SIMILAR)
    assert (told["outcome"], told["stage"]) == ("max_per_creator", "arrangement")
    assert "max_per_creator" in told["told"]


def test_bad_questions(client: Client) -> None:
    problem(client.post("/v1/items/nobody/why", json={"similar": SIMILAR}), "unknown-item")
    for body in ({}, {"similar": SIMILAR, "search": {"text": "jazz"}}, {"similr": SIMILAR}):
        problem(client.post("/v1/items/metal-1/why", json=body), "invalid-request")
    refused = client.post("/v1/items/metal-1/why", json={"similar": SIMILAR | {"cursor": "x"}})
    assert "first page" in problem(refused, "invalid-request")["detail"]
