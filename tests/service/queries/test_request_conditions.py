"""A request's own filter and switches: on every route, exactly what was asked, and a clear answer to what cannot be."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from embedding.progress import Reporter
from embedding.rows.schema import Item
from indexing.building.build import BuildInputs
from indexing.building.run import build_from_settings
from indexing.errors import RulesError
from indexing.releases.activation import rollback
from indexing.releases.workspace import open_workspace
from indexing.settings import IndexingSettings
from indexing.state.file_rules import AcceptedRules
from service.app import create_app
from service.main import open_dependencies
from service.schemas.settings import Settings
from tests.copied_folders import copied
from tests.service.conftest import Client
from tests.service.world import ADULT, ITALIAN, NO_LANGUAGE, NOT_YET_OPEN, US_ONLY, make_items, taste_of

SEED = "metal-3"
RULES = """
[extra.mood]
type = "keyword"
denied = ["grim"]
[extra.bpm]
type = "integer"
[tags]
denied = ["n4"]
[switches.gentle]
rules = ["extra.mood"]
default = false
[switches.all]
rules = ["tags"]
"""


def settings_of(folder: Path) -> IndexingSettings:
    return IndexingSettings(data_dir=folder / "data", cache_dir=folder / "vectors", rules=folder / "rules.toml")


@pytest.fixture(scope="module")
def ruled(text_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the world's release of text, and one more of the same rows that holds the declared fields."""
    folder = tmp_path_factory.mktemp("ruled")
    copied(text_world, folder / "data")
    copied(text_world.parent / "vectors", folder / "vectors")
    (folder / "rules.toml").write_text(RULES)
    with pytest.raises(RulesError, match=r"extra\.mood: release \w+ needs a build"):
        propose(folder)
    inputs = BuildInputs(catalogue=folder / "data" / "source" / "catalogue.jsonl")
    asyncio.run(build_from_settings(inputs, settings_of(folder), Reporter("none"), activate=True))
    propose(folder)
    return folder


def propose(folder: Path) -> None:
    from indexing.releases.releases import Releases
    from indexing.rules.payload_fields import check_payload_fields
    from indexing.rules.reading import read_rules
    from indexing.state.files import FilesState
    from indexing.stores.open import open_store

    settings = settings_of(folder)

    async def live_manifest() -> Any:
        store = open_store(settings)
        releases = Releases(settings.data_dir, store, FilesState(settings.data_dir))
        manifest = releases.manifest(await releases.live_id())
        await store.close()
        return manifest

    check_payload_fields(read_rules(settings.rules)[0], asyncio.run(live_manifest()))
    AcceptedRules(settings.data_dir / "rules").propose(settings.rules)


@pytest.fixture(scope="module")
def client(ruled: Path) -> Iterator[Client]:
    parts = open_dependencies(Settings(data_dir=ruled / "data", cache_dir=ruled / "vectors", default_market="SE"))
    with TestClient(create_app(parts)) as client:
        yield client


def asked(client: Client, where: object = None, **more: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"seeds": [{"id": SEED}], "limit": 100, "kinds": ["track", "episode"], **more}
    if where is not None:
        body["filter"] = where
    response = client.post("/v1/similar", json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def ids(answer: dict[str, Any]) -> set[str]:
    found = [hit["id"] for hit in answer["hits"]]
    assert len(found) == len(set(found))
    return set(found)


def allowed(passes: Callable[[Item], bool], denied: tuple[str, ...] = ("n4",)) -> set[str]:
    return {
        item.id
        for item in make_items()
        if item.id not in (SEED, US_ONLY, NOT_YET_OPEN, ADULT) and not set(item.tags) & set(denied) and passes(item)
    }


@pytest.mark.parametrize(
    ("where", "passes"),
    [
        ({"field": "tags", "one_of": ["jazz", "cooking"]}, lambda i: taste_of(i.id) in ("jazz", "cooking")),
        ({"field": "kind", "equals": "episode"}, lambda i: i.kind == "episode"),
        ({"field": "duration_s", "range": {"gte": 185, "lt": 190}}, lambda i: 185 <= i.duration_s < 190),
        (
            {"field": "published_at", "range": {"gt": "2020-09-13T12:26:45Z"}},
            lambda i: i.published_at > 1_600_000_005,
        ),
        ({"field": "language", "equals": "EN"}, lambda i: i.id not in (ITALIAN, NO_LANGUAGE)),
        ({"field": "creators", "one_of": ["jazz  makers 1"]}, lambda i: i.creator == "Jazz Makers 1"),
        ({"none": [{"field": "explicit", "equals": False}]}, lambda i: i.explicit is not False),
        ({"field": "extra.mood", "equals": "calm"}, lambda i: i.extra.get("mood") == "calm"),
        ({"field": "extra.bpm", "range": {"lte": 63}}, lambda i: i.extra["bpm"] <= 63),
        (
            {"any": [{"field": "extra.bpm", "one_of": [60, 71]},
                     {"none": [{"field": "duration_s", "range": {"lt": 199}}]}]},
            lambda i: i.extra["bpm"] in (60, 71) or i.duration_s >= 199,
        ),
        ({"all": [{"field": "tags", "equals": "jazz"}, {"field": "tags", "equals": "n7"}]}, lambda i: i.id == "jazz-7"),
    ],
)  # fmt: skip
def test_what_passes_comes_and_nothing_else(client: Client, where: object, passes: Callable[[Item], bool]) -> None:
    expected = allowed(passes)
    assert ids(asked(client, where)) == expected
    # Again, from what was kept of the context.
    assert ids(asked(client, where)) == expected
    assert 0 < len(expected) < 76


def test_every_route_is_under_the_filter(client: Client) -> None:
    where = {"field": "tags", "one_of": ["crime"]}
    queries: dict[str, dict[str, Any]] = {
        "similar": {"seeds": [{"id": "jazz-8"}]},
        "recommend": {"history": [{"id": "jazz-8"}]},
        "search": {"text": "jazz trio"},
    }
    queries = {name: body | {"kinds": ["track", "episode"]} for name, body in queries.items()}
    asks = [{name: body | {"filter": where, "limit": 30}} for name, body in queries.items()]
    response = client.post("/v1/batch", json={"queries": asks})
    assert response.status_code == 200, response.text
    for answered in response.json()["outcomes"]:
        assert {taste_of(hit["id"]) for hit in answered["answer"]["hits"]} == {"crime"}
    for name, body in queries.items():
        hits = client.post(f"/v1/{name}", json=body | {"filter": where}).json()["hits"]
        assert {taste_of(hit["id"]) for hit in hits} == {"crime"}
        assert len(hits) == 10


def test_switches_change_what_they_name(client: Client) -> None:
    assert ids(asked(client)) == allowed(lambda _: True)
    assert ids(asked(client, switches={"all": False})) == allowed(lambda _: True, denied=())
    assert ids(asked(client, switches={"gentle": True})) == allowed(lambda i: i.extra.get("mood") != "grim")
    response = client.post("/v1/similar", json={"seeds": [{"id": SEED}], "switches": {"gentel": True}})
    assert response.status_code == 400
    assert response.json()["errors"] == [
        {"field": "switches.gentel", "expected": "one of all, gentle (did you mean gentle?)", "came": '"gentel"'}
    ]
    response = client.post("/v1/similar", json={"seeds": [{"id": SEED}], "switches": {"gentle": "yes"}})
    assert response.status_code == 400


def test_nothing_is_left_and_the_answer_says_why(client: Client) -> None:
    answer = asked(client, {"field": "tags", "equals": "polka"})
    assert answer["hits"] == []
    assert "0 items pass" in answer["short_reason"]
    assert "filter keeps out 80" in answer["short_reason"]
    assert "tags keeps out 4" in answer["short_reason"]


@pytest.mark.parametrize(
    ("where", "field", "words"),
    [
        ({"field": "tag", "equals": "x"}, "filter.field", "did you mean tags?"),
        ({"all": [{"field": "duration_s", "range": {"lt": "x"}}]}, "filter.all[0].range.lt", "a number of seconds"),
        ("tags", "filter", "object"),
    ],
)  # fmt: skip
def test_a_filter_that_makes_no_sense_is_refused(client: Client, where: object, field: str, words: str) -> None:
    response = client.post("/v1/similar", json={"seeds": [{"id": SEED}], "filter": where})
    assert response.status_code == 400
    (error,) = response.json()["errors"]
    assert error["field"] == field
    assert words in error["expected"]


@pytest.mark.parametrize("depth", [9, 100, 100_000])
def test_a_filter_nested_too_deep_is_refused(client: Client, depth: int) -> None:
    where = '{"none":[' * depth + '{"field":"kind","equals":"track"}' + "]}" * depth
    body = '{"seeds":[{"id":"metal-3"}],"filter":' + where + "}"
    response = client.post("/v1/similar", content=body.encode(), headers={"Content-Type": "application/json"})
    assert response.status_code == 400 if depth < 100_000 else 413
    if depth < 1_000:
        assert "a filter nested at most 8 deep" in response.json()["detail"]


def test_a_release_without_the_field_says_that_it_needs_a_build(ruled: Path, tmp_path: Path) -> None:
    copied(ruled, tmp_path / "ruled")
    settings = settings_of(tmp_path / "ruled")

    async def back() -> str:
        async with open_workspace(settings) as workspace:
            return await rollback(workspace)

    with pytest.raises(RulesError, match=r"extra\.mood: release \w+ needs a build: its points were not indexed"):
        asyncio.run(back())
    # A field that is only declared keeps no release from being served; who filters by it is told.
    settings.rules.write_text('[extra.mood]\ntype = "keyword"')
    AcceptedRules(settings.data_dir / "rules").propose(settings.rules)
    asyncio.run(back())
    parts = open_dependencies(Settings(data_dir=settings.data_dir, cache_dir=settings.cache_dir, default_market="SE"))
    with TestClient(create_app(parts)) as client:
        body = {"seeds": [{"id": SEED}], "filter": {"field": "extra.mood", "equals": "calm"}}
        response = client.post("/v1/similar", json=body)
        assert response.status_code == 409
        assert response.json()["type"] == "urn:nearfield:problem:release-without-field"
        assert "needs a build" in response.json()["detail"]
