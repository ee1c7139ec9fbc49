"""`search` in the mode `tower`: a text finds what is listened to together, in a model that was trained for it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient
from msgspec.structs import replace

from service.app import create_app
from service.main import open_dependencies
from service.schemas.settings import Settings
from tests.service.conftest import Client
from tests.service.loaded.test_leaks import stale_copy
from tests.service.world import (
    ADULT,
    CONFIG,
    EXPLICIT,
    ITALIAN,
    KIND,
    NOT_YET_OPEN,
    TASTES,
    UNHEARD,
    US_ONLY,
    build_world,
    taste_of,
)

TOGETHER = {"jazz": {"jazz", "crime"}, "crime": {"jazz", "crime"}, "metal": {"metal", "cooking"}}
TOGETHER["cooking"] = TOGETHER["metal"]


@pytest.fixture(scope="module")
def asked_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data folder of a release whose model was trained with text queries."""
    folder = tmp_path_factory.mktemp("asked-world")
    config = replace(CONFIG, features=(*CONFIG.features, "text"), text_query_weight=0.3)
    build_world(folder, with_model=True, config=config)
    return folder


@pytest.fixture(scope="module")
def asked(asked_world: Path) -> Iterator[Client]:
    with TestClient(create_app(open_dependencies(Settings(data_dir=asked_world, default_market="SE")))) as client:
        yield client


def search(client: Client, text: str, **fields: Any) -> list[dict[str, Any]]:
    response = client.post("/v1/search", json={"text": text, "mode": "tower"} | fields)
    assert response.status_code == 200, response.text
    return list(response.json()["hits"])


@pytest.mark.parametrize("taste", list(TASTES))
def test_a_text_finds_its_own_taste_and_then_what_is_heard_beside_it(asked: Client, taste: str) -> None:
    hits = search(asked, TASTES[taste], limit=30)

    found = [taste_of(hit["id"]) for hit in hits]
    assert set(found[:10]) == {taste}
    # Texts of a murder and of a jazz trio have nothing in common; their listeners do.
    assert set(found) == TOGETHER[taste]
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)
    assert all("passage" not in hit for hit in hits)


def test_by_meaning_alone_it_is_not_found(asked: Client) -> None:
    found = search(asked, TASTES["jazz"], mode="semantic", limit=40)
    assert {taste_of(hit["id"]) for hit in found[20:]} != {"crime"}


def test_a_creator_is_a_query_and_an_item_that_nobody_heard_is_found(asked: Client) -> None:
    assert {taste_of(hit["id"]) for hit in search(asked, "Metal Makers 2")[:5]} == {"metal"}
    hits = search(asked, TASTES["jazz"], limit=40)
    assert UNHEARD in {hit["id"] for hit in hits}


def test_the_rules_hold_and_pages_join(asked: Client) -> None:
    fields: dict[str, Any] = {"context": {"market": "SE", "explicit": False, "languages": ["en"]}}
    longest = search(asked, TASTES["jazz"], limit=100, **fields)
    ids = [hit["id"] for hit in longest]
    assert not {US_ONLY, NOT_YET_OPEN, EXPLICIT, ADULT, ITALIAN} & set(ids)
    body = {"text": TASTES["jazz"], "mode": "tower", "limit": 30} | fields
    first = asked.post("/v1/search", json=body).json()
    second = asked.post("/v1/search", json=body | {"cursor": first["next_cursor"]}).json()
    assert [hit["id"] for hit in first["hits"] + second["hits"]] == ids[:60]


def test_stale_points_never_leave(asked_world: Path, tmp_path: Path) -> None:
    data_dir = stale_copy(asked_world, tmp_path)
    with TestClient(create_app(open_dependencies(Settings(data_dir=data_dir, default_market="SE")))) as client:
        found = {hit["id"] for hit in search(client, TASTES["jazz"], limit=100)}
        assert not {US_ONLY, NOT_YET_OPEN} & found
        assert client.get("/health/ready").json()["leaks"] == 2


def test_it_is_one_of_many_queries_and_needs_the_encoder(
    asked: Client, asked_world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("embedding.text.encoder_folder.PACKAGE", "no_such_package")
    body = {"text": TASTES["crime"], "mode": "tower", "limit": 5}
    answer = asked.post("/v1/batch", json={"queries": [{"search": body}]}).json()
    assert answer["outcomes"][0]["answer"]["hits"] == asked.post("/v1/search", json=body).json()["hits"]
    settings = Settings(data_dir=asked_world, default_market="SE")
    with TestClient(create_app(open_dependencies(settings))) as client:
        refused = client.post("/v1/search", json=body)
        assert (refused.status_code, refused.json()["type"]) == (503, "urn:nearfield:problem:encoder-absent")


def test_kinds_without_a_listener_in_common_are_ranked_together(asked_world: Path) -> None:
    parts = open_dependencies(Settings(data_dir=asked_world, default_market="SE"))
    manifest = parts.live.release.manifest
    parts.live.release.manifest = replace(manifest, crossing=(("track", "track"), ("episode", "episode")))
    with TestClient(create_app(parts)) as client:
        assert {taste_of(hit["id"]) for hit in search(client, TASTES["jazz"], limit=10)} == {"jazz"}


def test_kinds_are_mixed_and_seeds_fused(asked: Client) -> None:
    hits = search(asked, TASTES["jazz"], mix={"track": 1, "episode": 1}, limit=10)
    assert [hit["kind"] for hit in hits].count("track") == 5
    assert {taste_of(hit["id"]) for hit in hits} == {"jazz", "crime"}
    hits = search(asked, TASTES["jazz"], seeds=[{"id": "jazz-8"}], limit=10)
    assert {taste_of(hit["id"]) for hit in hits} <= TOGETHER["jazz"]
    assert "jazz-8" not in {hit["id"] for hit in hits}


def test_an_answer_can_be_explained(asked: Client) -> None:
    (hit,) = search(asked, TASTES["cooking"], limit=1, explain=True)
    assert hit["explain"]["score"]["similarity"] == pytest.approx(hit["score"], abs=1e-4)
    body = {"search": {"text": TASTES["cooking"], "mode": "tower"}}
    assert asked.post(f"/v1/items/{hit['id']}/why", json=body).json()["outcome"] == "shown"
    assert asked.post(f"/v1/items/{US_ONLY}/why", json=body).json()["outcome"] == "rules"


def test_a_new_item_is_found_by_its_text(asked_world: Path) -> None:
    settings = Settings(data_dir=asked_world, default_market="SE", admin_token="secret")
    row = {
        "id": "new",
        "kind": KIND["metal"],
        "title": "Metal number 99",
        "creator": "Somebody New",
        "text": TASTES["metal"],
        "language": "en-GB",
    }
    with TestClient(create_app(open_dependencies(settings))) as client:
        answer = client.put("/v1/items", json={"items": [row]}, headers={"Authorization": "Bearer secret"})
        assert answer.status_code == 200, answer.text
        assert "new" in {hit["id"] for hit in search(client, TASTES["metal"], limit=40)}


def test_a_kind_that_nobody_was_seen_to_like_is_found_by_meaning(asked_world: Path) -> None:
    parts = open_dependencies(Settings(data_dir=asked_world, default_market="SE"))
    manifest = parts.live.release.manifest
    parts.live.release.manifest = replace(manifest, crossing=(("track", "track"),))
    with TestClient(create_app(parts)) as client:
        both = search(client, TASTES["cooking"], limit=40)
        tracks = search(client, TASTES["cooking"], limit=20, kinds=["track"])
        by_meaning = search(client, TASTES["cooking"], mode="semantic", limit=20, kinds=["episode"])
        assert [hit for hit in both if hit["kind"] == "track"] == tracks
        assert [hit["id"] for hit in both if hit["kind"] == "episode"] == [hit["id"] for hit in by_meaning]
        assert [hit["kind"] for hit in both[:4]] == ["track", "episode", "track", "episode"]


@pytest.mark.parametrize("which", ["client", "text_client"])
def test_a_model_that_learnt_no_texts_says_so(request: pytest.FixtureRequest, which: str) -> None:
    client: Client = request.getfixturevalue(which)
    body = {"text": "a jazz trio", "mode": "tower", "context": {"market": "SE"}}
    response = client.post("/v1/search", json=body)
    assert response.status_code == 409
    assert response.json()["type"] == "urn:nearfield:problem:release-without-queries"
    assert "text_query_weight" in response.json()["detail"]
