"""Changes over HTTP: durable before they are acknowledged, and true for every worker from the next request on."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest
from litestar.testing import TestClient

from embedding.progress import Reporter
from embedding.settings import EncoderPlace
from indexing.building.build import BuildInputs
from indexing.building.run import build_from_settings
from indexing.settings import IndexingSettings
from service.app import create_app
from service.main import open_dependencies
from service.schemas.settings import Settings
from tests.copied_folders import copied
from tests.service.conftest import Client
from tests.service.world import TASTES, US_ONLY, ids_of

TOKEN = {"Authorization": "Bearer s3cret"}


@pytest.fixture
def data_dir(tower_world: Path, tmp_path: Path) -> Path:
    """A copy of the world that may be changed."""
    return copied(tower_world, tmp_path / "world")


@pytest.fixture
def workers(data_dir: Path) -> Iterator[list[Client]]:
    """Two applications over one data folder, as two workers are."""
    settings = Settings(data_dir=data_dir, default_market="SE", admin_token="s3cret")
    with ExitStack() as stack:
        yield [stack.enter_context(TestClient(create_app(open_dependencies(settings)))) for _ in range(2)]


def row(item_id: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": item_id,
        "kind": "track",
        "title": f"Title of {item_id}",
        "creator": "Jazz Makers 1",
        "text": TASTES["jazz"],
        "language": "en-GB",
        "explicit": False,
        **fields,
    }


def put(client: Client, *rows: dict[str, Any]) -> dict[str, Any]:
    answer = client.put("/v1/items", json={"items": rows}, headers=TOKEN)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def similar(client: Client, seed: str, market: str = "SE") -> list[str]:
    answer = client.post("/v1/similar", json={"seeds": [{"id": seed}], "context": {"market": market}, "limit": 100})
    assert answer.status_code == 200, answer.text
    return [hit["id"] for hit in answer.json()["hits"]]


def everywhere(client: Client) -> dict[str, list[str]]:
    """What each route gives, in full."""
    context = {"market": "SE"}
    bodies: dict[str, dict[str, Any]] = {
        "similar": {"seeds": [{"id": "jazz-8"}]},
        "recommend": {"history": [{"id": "jazz-9"}, {"id": "crime-1"}]},
        "search": {"text": TASTES["jazz"], "mode": "semantic"},
    }
    found = {}
    for route, body in bodies.items():
        answer = client.post(f"/v1/{route}", json={**body, "context": context, "limit": 100})
        assert answer.status_code == 200, answer.text
        found[route] = [hit["id"] for hit in answer.json()["hits"]]
    found["get"] = [hit["id"] for hit in client.get("/v1/items/jazz-10/similar?limit=100").json()["hits"]]
    return found


@pytest.mark.parametrize("sent", [{}, {"Authorization": "Bearer other"}, {"Authorization": "Basic s3cret"}])
def test_changes_need_the_token(workers: list[Client], sent: dict[str, str]) -> None:
    client = workers[0]
    asked = [
        client.put("/v1/items", json={"items": [row("new")]}, headers=sent),
        client.delete("/v1/items/jazz-1", headers=sent),
        client.put("/v1/items/jazz-1/takedown", headers=sent),
        client.delete("/v1/items/jazz-1/takedown", headers=sent),
        client.get("/v1/releases", headers=sent),
        client.post("/v1/releases/r1/activate", headers=sent),
    ]
    assert [(answer.status_code, answer.json()["type"]) for answer in asked] == [
        (403, "urn:nearfield:problem:forbidden")
    ] * 6
    assert client.get("/v1/items/new").status_code == 404


def test_without_a_token_set_nobody_may_change_anything(client: Client) -> None:
    answer = client.put("/v1/items/jazz-1/takedown", headers={"Authorization": "Bearer "})
    assert answer.status_code == 403
    assert "set admin_token" in answer.json()["detail"]


def test_a_new_row_is_found_by_every_route_in_each_worker_at_once(workers: list[Client]) -> None:
    first, second = workers
    assert put(first, row("fresh jazz"))["revision"] == 1
    for client in (second, first):
        found = everywhere(client)
        assert [route for route, ids in found.items() if "fresh jazz" not in ids] == []
        # By its text it is a jazz track among the others; by its creator too, with crime, which the same users hear.
        assert found["search"].index("fresh jazz") < len(ids_of("jazz")) + 1
        assert found["similar"].index("fresh jazz") < len(ids_of("jazz")) + len(ids_of("crime"))
        assert similar(client, "fresh jazz")[0] in ids_of("jazz") + ids_of("crime")
        assert client.get("/v1/items/fresh%20jazz").json()["revision"] == 1


def test_a_put_row_replaces_the_one_that_was_there(workers: list[Client]) -> None:
    first, second = workers
    before = similar(second, "jazz-8")
    assert "jazz-9" in before
    put(first, row("jazz-9", title="Renamed", text=TASTES["metal"], creator="Metal Makers 1"))
    found = everywhere(second)
    assert all(ids.count("jazz-9") <= 1 for ids in found.values())
    assert second.get("/v1/items/jazz-9").json()["title"] == "Renamed"
    # Its text is about metal now.
    assert found["search"].index("jazz-9") >= len(ids_of("jazz")) - 5


def test_a_changed_market_closes_and_opens(workers: list[Client]) -> None:
    first, second = workers
    assert US_ONLY not in similar(second, "jazz-8")
    # A list of windows that no row had before.
    put(first, row(US_ONLY, availability=[{"market": "SE"}, {"market": "FI", "until": "2031-05-06"}]))
    put(first, row("jazz-9", availability=[{"market": "US"}]))
    for client in (first, second):
        in_sweden = similar(client, "jazz-8")
        assert US_ONLY in in_sweden
        assert "jazz-9" not in in_sweden
        in_america = similar(client, "jazz-8", "US")
        assert US_ONLY not in in_america
        assert "jazz-9" in in_america


def test_a_removed_row_is_gone_until_it_is_put_again(workers: list[Client]) -> None:
    first, second = workers
    assert first.delete("/v1/items/jazz-9", headers=TOKEN).json()["items"] == 1
    assert "jazz-9" not in {item for ids in everywhere(second).values() for item in ids}
    assert second.get("/v1/items/jazz-9").status_code == 404
    assert first.delete("/v1/items/jazz-9", headers=TOKEN).status_code == 404
    put(second, row("jazz-9"))
    assert "jazz-9" in similar(first, "jazz-8")


def test_a_takedown_hides_an_item_everywhere_until_it_is_lifted(workers: list[Client]) -> None:
    first, second = workers
    before = everywhere(second)
    taken = first.put("/v1/items/jazz-11/takedown", headers=TOKEN).json()
    assert (taken["taken_down"], taken["known"]) == (True, True)
    found = everywhere(second)
    assert {route: [item for item in ids if item != "jazz-11"] for route, ids in before.items()} == found
    assert "jazz-11" in before["similar"]
    assert second.get("/v1/items/jazz-11").status_code == 404
    answer = second.post("/v1/similar", json={"seeds": [{"id": "jazz-11"}], "context": {"market": "SE"}})
    assert answer.json()["type"] == "urn:nearfield:problem:unknown-seeds"
    lifted = second.delete("/v1/items/jazz-11/takedown", headers=TOKEN).json()
    assert lifted["taken_down"] is False
    assert everywhere(first) == before


def test_a_takedown_of_an_id_not_yet_there_holds_when_it_comes(workers: list[Client]) -> None:
    first, second = workers
    assert first.put("/v1/items/to-come/takedown?ahead=true", headers=TOKEN).json()["known"] is False
    put(second, row("to-come"))
    assert "to-come" not in {item for ids in everywhere(first).values() for item in ids}
    first.delete("/v1/items/to-come/takedown", headers=TOKEN)
    assert "to-come" in similar(second, "jazz-8")


def test_a_worker_that_starts_later_knows_all_of_it(workers: list[Client], data_dir: Path) -> None:
    put(workers[0], row("fresh jazz"))
    workers[0].put("/v1/items/jazz-11/takedown", headers=TOKEN)
    with TestClient(create_app(open_dependencies(Settings(data_dir=data_dir, default_market="SE")))) as late:
        assert everywhere(late) == everywhere(workers[0])
        assert late.get("/v1/items/fresh%20jazz").json()["revision"] == 2


def test_bad_rows_are_all_named_and_none_is_put(workers: list[Client]) -> None:
    client = workers[0]
    rows = [row("good"), row("bad", kind="album"), {"id": "short"}, row("good"), row("typo", titel="x")]
    answer = client.put("/v1/items", json={"items": rows}, headers=TOKEN)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [
        "items[1].kind",
        "items[2].kind",
        "items[2].title",
        "items[2].creator",
        "items[3].id",
        "items[4].titel",
    ]
    assert client.get("/v1/items/good").status_code == 404


def test_all_faults_of_a_bad_row_are_named_at_once(workers: list[Client]) -> None:
    client = workers[0]
    windows = [{"market": "se"}, {"market": "SE", "until": "soon"}]
    bad = row("good", kind="album", title=" ", duration_s=-1, titel="x", availability=windows)
    answer = client.put("/v1/items", json={"items": [row("good"), bad]}, headers=TOKEN)
    assert answer.status_code == 400
    named = {error["field"]: error for error in answer.json()["errors"]}
    assert named.keys() == {
        "items[1].titel",
        "items[1].kind",
        "items[1].title",
        "items[1].duration_s",
        "items[1].availability[0].market",
        "items[1].availability[1].until",
        "items[1].id",
    }
    assert named["items[1].availability[0].market"]["came"] == '"se"'
    assert "first at items[0]" in named["items[1].id"]["expected"]


def test_a_call_takes_a_hundred_rows_and_no_more(workers: list[Client]) -> None:
    client = workers[0]
    assert put(client, *(row(f"many-{number}") for number in range(100)))["items"] == 100
    assert len({item for item in similar(client, "jazz-8") if item.startswith("many-")}) > 50
    body = msgspec.json.encode({"items": [row(f"more-{number}") for number in range(101)]})
    answer = client.put("/v1/items", content=body, headers={**TOKEN, "Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "items"


def test_releases_are_listed_and_an_unknown_one_is_not_activated(workers: list[Client]) -> None:
    client = workers[0]
    listed = client.get("/v1/releases", headers=TOKEN).json()
    assert [release["id"] for release in listed["releases"]] == [listed["live"]]
    assert client.post(f"/v1/releases/{listed['live']}/activate", headers=TOKEN).json() == {"live": listed["live"]}
    answer = client.post("/v1/releases/r404/activate", headers=TOKEN)
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:nearfield:problem:unknown-release")


def test_a_journal_that_cannot_be_read_stops_answers_rather_than_showing_what_was_taken_down(
    workers: list[Client], data_dir: Path
) -> None:
    client = workers[0]
    client.put("/v1/items/jazz-11/takedown", headers=TOKEN)
    path = data_dir / "journal" / "changes.log"
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    answer = client.get("/v1/items/jazz-8/similar")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:nearfield:problem:state-unavailable")
    path.write_bytes(data)
    assert client.get("/v1/items/jazz-8/similar").status_code == 200


def test_without_text_vectors_rows_are_put_with_no_encoder_and_search_says_why_not(
    tower_world: Path, tmp_path: Path
) -> None:
    files = tower_world / "source"
    settings = IndexingSettings(data_dir=tmp_path)
    inputs = BuildInputs(
        catalogue=files / "catalogue.jsonl", model=files / "model", interactions=files / "interactions.jsonl"
    )
    asyncio.run(build_from_settings(inputs, settings, Reporter("none"), activate=True, text=False))
    served = Settings(
        data_dir=tmp_path, default_market="SE", admin_token="s3cret", encoder=EncoderPlace(tmp_path / "nowhere")
    )
    with TestClient(create_app(open_dependencies(served))) as client:
        put(client, row("new-1"))
        assert "new-1" in similar(client, "jazz-8")
        refused = client.post("/v1/search", json={"text": "jazz"})
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:nearfield:problem:release-without-text")
        assert "--no-text" in refused.json()["detail"]
        ready = client.get("/health/ready")
        assert (ready.status_code, ready.json()["encoder"]) == (200, "absent")
        assert "built without text vectors" in ready.json()["encoder_reason"]


@pytest.mark.parametrize("mode", ["hybrid", "lexical", "semantic"])
def test_a_new_row_is_searched_by_its_words_title_and_passages_in_each_worker(workers: list[Client], mode: str) -> None:
    tales = "Two old friends talk about trains, stations and timetables of their youth, and drink tea. " * 12
    whales = "Humpback whales sing beneath the ocean, and marine biologists record the songs of whales. " * 5
    put(workers[0], row("sea", title="An afternoon", creator="Tea Room", kind="episode", text=tales + whales + tales))
    for client in workers:

        def hits(text: str, client: Client = client) -> list[dict[str, Any]]:
            body = {"text": text, "mode": mode, "context": {"market": "SE"}, "limit": 3}
            return list(client.post("/v1/search", json=body).json()["hits"])

        first = hits("songs of humpback whales in the ocean")[0]
        assert first["id"] == "sea"
        if mode == "lexical":
            assert "passage" not in first
        else:
            start, end = first["passage"]["start"], first["passage"]["end"]
            assert "whales" in (tales + whales + tales)[start:end]
        if mode != "semantic":
            assert next(hit["id"] for hit in hits("AN  afternoon")) == "sea"
            assert next(hit["id"] for hit in hits("tea room")) == "sea"
    assert workers[1].delete("/v1/items/sea", headers=TOKEN).status_code == 200
    body = {"text": "An afternoon", "mode": mode, "context": {"market": "SE"}, "limit": 100}
    assert "sea" not in {hit["id"] for hit in workers[0].post("/v1/search", json=body).json()["hits"]}


def test_a_row_is_published_to_the_microsecond(workers: list[Client]) -> None:
    writer, other = workers
    moments = ["2024-05-31T18:00:00Z", "2024-05-31T18:00:00.000001Z", "2024-05-31T18:00:00.5Z"]
    written = [moments[0], "2024-05-31T20:00:00.000001999+02:00", "2024-05-31T18:00:00.500000Z"]
    ids = ["whole", "microsecond", "half"]
    put(writer, *(row(item_id, published_at=time) for item_id, time in zip(ids, written, strict=True)))
    for client in workers:
        shown = {item_id: client.get(f"/v1/items/{item_id}").json()["published_at"] for item_id in ids}
        assert shown == dict(zip(ids, moments, strict=True))

    def published(bounds: dict[str, str]) -> dict[str, str]:
        condition = {"all": [{"field": "published_at", "range": {"gte": moments[0], **bounds}}]}
        query = {"text": TASTES["jazz"], "mode": "semantic", "limit": 100, "filter": condition}
        answer = other.post("/v1/search", json=query)
        assert answer.status_code == 200, answer.text
        return {hit["id"]: hit["published_at"] for hit in answer.json()["hits"]}

    assert published({}) == dict(zip(ids, moments, strict=True))
    assert published({"gt": moments[0]}).keys() == {"microsecond", "half"}
    assert published({"lte": moments[0]}).keys() == {"whole"}
    assert published({"lt": moments[2]}).keys() == {"whole", "microsecond"}
    assert published({"gte": moments[1], "lte": moments[2]}).keys() == {"microsecond", "half"}
    assert published({"gt": moments[1], "lt": moments[2]}) == {}


def test_the_newest_comes_first_to_the_microsecond(workers: list[Client]) -> None:
    writer, other = workers
    # Newer than all of the world's; one second, and not in the order of the ids.
    fractions = {"late": ".9", "early": "", "middle": ".000002", "before": ".000001"}
    put(writer, *(row(i, popularity=0, published_at=f"2025-05-31T18:00:00{f}Z") for i, f in fractions.items()))
    query = {"history": [], "limit": 4, "context": {"at": "2025-06-01"}, "kinds": ["track"]}
    condition = {"field": "published_at", "range": {"gte": "2025-05-31"}}
    answer = other.post("/v1/recommend", json=query | {"filter": condition})
    assert answer.status_code == 200, answer.text
    hits = answer.json()["hits"]
    assert [hit["id"] for hit in hits] == ["late", "middle", "before", "early"]
    assert {hit["source"] for hit in hits} == {"fresh"}
