"""Kinds by quota; from one kind to another through the tower where it has seen users of both, else by the texts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from litestar.testing import TestClient
from msgspec.structs import replace

from service.app import create_app
from service.dependencies import Dependencies
from service.main import open_dependencies
from service.ranking.interleaving import interleaving_order
from service.schemas.settings import Settings
from tests.service.conftest import Client
from tests.service.queries.test_recommend import JAZZ_FAN, SE, heard_by, ids, recommend
from tests.service.queries.test_similar import similar
from tests.service.world import KIND, NOT_YET_OPEN, US_ONLY, taste_of

KINDS = ("track", "episode")


def kinds(answer: dict[str, Any]) -> list[str]:
    return [hit["kind"] for hit in answer["hits"]]


@pytest.fixture(scope="module")
def apart_parts(tower_world: Path) -> Dependencies:
    """The same release, as if no user had heard both kinds: what its manifest then says."""
    parts = open_dependencies(Settings(data_dir=tower_world))
    manifest = parts.live.release.manifest
    alone = (("track", "track"), ("episode", "episode"))
    assert manifest.crossing == (*alone, ("track", "episode"))
    parts.live.release.manifest = replace(manifest, crossing=alone)
    return parts


@pytest.fixture(scope="module")
def apart(apart_parts: Dependencies) -> Iterator[Client]:
    with TestClient(create_app(apart_parts)) as client:
        yield client


def nearest(parts: Dependencies, space: str, seeds: list[str], kind: str, left_out: set[str]) -> list[str]:
    """Exact: the ids of a kind by their nearness to the sum of the seeds, what is closed or left out taken away."""
    columns = parts.live.release.columns
    vectors = np.asarray(columns.vectors(space))
    query = vectors[[columns.ids.find(seed) for seed in seeds]].sum(axis=0)
    order = np.argsort(-(vectors @ query), kind="stable")
    found = [columns.ids.id_at(int(row)) for row in order if columns.payload(int(row)).kind == kind]
    return [item for item in found if item not in {*left_out, US_ONLY, NOT_YET_OPEN, "jazz-4"}]


@pytest.mark.parametrize("route", ["similar", "recommend", "unknown"])
def test_a_mix_holds_its_quotas_page_by_page(client: Client, route: str) -> None:
    def asked(limit: int) -> dict[str, Any]:
        mix = {"track": 7, "episode": 3}
        if route == "similar":
            return similar(client, seeds=[{"id": "jazz-8"}], mix=mix, limit=limit)
        who = {"user_id": JAZZ_FAN if route == "recommend" else "nobody"}
        return recommend(client, **who, mix=mix, limit=limit)

    answer = asked(20)
    assert kinds(answer) == [KINDS[part] for part in interleaving_order([7, 3])] * 2
    assert len(set(ids(answer))) == 20
    assert ids(asked(10)) == ids(answer)[:10]
    assert {hit.get("source") for hit in answer["hits"]} == ({"popular"} if route == "unknown" else {None})


def test_each_kind_of_a_mix_is_ranked_as_if_it_were_asked_for_alone(client: Client) -> None:
    mixed = similar(client, seeds=[{"id": "jazz-8"}], mix={"track": 1, "episode": 1}, limit=20)
    for kind in KINDS:
        alone = similar(client, seeds=[{"id": "jazz-8"}], kinds=[kind], limit=10)
        assert [hit for hit in mixed["hits"] if hit["kind"] == kind] == alone["hits"]


def test_where_one_kind_runs_dry_the_other_fills_and_says_so(client: Client) -> None:
    answer = recommend(client, user_id=JAZZ_FAN, mix={"track": 1, "episode": 3}, limit=100)
    heard = heard_by(JAZZ_FAN) - {US_ONLY, NOT_YET_OPEN, "jazz-4"}
    assert len(answer["hits"]) == 77 - len(heard)
    assert f"{len(heard)} of them are left out" in answer["short_reason"]
    episodes = 40 - sum(KIND[taste_of(item)] == "episode" for item in heard)
    # A round is episode, track, episode, episode; the last episode leaves the tracks to fill what comes after.
    places = [place for place, kind in enumerate(kinds(answer)) if kind == "episode"]
    assert len(places) == episodes
    after = answer["hits"][places[-1] + 1 :]
    due = interleaving_order([1, 3])
    for place, hit in enumerate(after, start=places[-1] + 1):
        assert hit["kind"] == "track"
        assert hit.get("source") == (None if due[place % 4] == 0 else "filled")
    assert all("source" not in hit for hit in answer["hits"][: places[-1] + 1])


def test_a_mix_of_one_kind_keeps_the_other_out(client: Client) -> None:
    answer = similar(client, seeds=[{"id": "jazz-8"}], mix={"track": 5}, limit=100)
    assert set(kinds(answer)) == {"track"}
    assert "kinds track" in answer["short_reason"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"mix": {}}, "mix: expected a number above 0 for track or for episode"),
        ({"mix": {"track": 0, "episode": 0}}, "mix: expected a number above 0"),
        ({"mix": {"track": 7, "episode": 3}, "kinds": ["track"]}, "mix: expected no other kinds than those of `kinds`"),
        ({"mix": {"track": -1}}, "mix.track: expected int >= 0"),
        ({"mix": {"track": 101}}, "mix.track: expected int <= 100"),
        ({"mix": {"track": 1.5}}, "mix.track: expected int"),
        ({"mix": {"tracks": 1}}, "did you mean track?"),
        ({"mix": "track"}, "mix: expected object"),
    ],
)
def test_a_mix_that_is_none_is_refused(client: Client, body: dict[str, Any], told: str) -> None:
    for route, more in (("similar", {"seeds": [{"id": "jazz-8"}]}), ("recommend", {"user_id": "nobody"})):
        response = client.post(f"/v1/{route}", json={"context": SE, **more, **body})
        assert response.status_code == 400, response.text
        assert told in response.json()["detail"]


def test_a_tower_that_has_seen_both_crosses_by_itself(client: Client) -> None:
    # Whoever likes metal was made to like cooking, which no text says.
    for answer in (
        similar(client, seeds=[{"id": "metal-3"}], kinds=["episode"], limit=15),
        recommend(client, history=[{"id": "metal-3"}, {"id": "metal-4"}], kinds=["episode"], limit=15),
    ):
        assert {taste_of(found) for found in ids(answer)} == {"cooking"}


def test_without_crossing_another_kind_is_found_by_the_texts(apart: Client, apart_parts: Dependencies) -> None:
    heard = ["jazz-8", "jazz-9", "metal-3"]
    expected = nearest(apart_parts, "text", heard, "episode", set())[:20]
    found = recommend(apart, history=[{"id": item} for item in heard], kinds=["episode"], limit=20)
    assert ids(found) == expected
    assert ids(similar(apart, seeds=[{"id": item} for item in heard], kinds=["episode"], limit=20)) == expected
    tracks = nearest(apart_parts, "text", ["crime-3"], "track", set())[:20]
    assert ids(similar(apart, seeds=[{"id": "crime-3"}], kinds=["track"], limit=20)) == tracks


def test_without_crossing_the_same_kind_is_found_by_the_tower_from_its_own_seeds(
    apart: Client, apart_parts: Dependencies
) -> None:
    seeds = ["jazz-8", "jazz-9", "crime-3"]
    tracks = nearest(apart_parts, "tower", seeds[:2], "track", set(seeds))
    episodes = nearest(apart_parts, "tower", seeds[2:], "episode", set(seeds))
    posted = [{"id": seed} for seed in seeds]
    assert ids(similar(apart, seeds=posted, kinds=["track"], limit=20)) == tracks[:20]
    assert ids(similar(apart, seeds=posted, kinds=["episode"], limit=20)) == episodes[:20]
    # Both together: each by its own, in turns.
    both = [item for pair in zip(tracks, episodes, strict=False) for item in pair]
    assert ids(similar(apart, seeds=posted, limit=20)) == both[:20]
    mixed = similar(apart, seeds=posted, limit=8, mix={"track": 3, "episode": 1})
    assert [hit["id"] for hit in mixed["hits"] if hit["kind"] == "track"] == tracks[:6]
    assert [hit["id"] for hit in mixed["hits"] if hit["kind"] == "episode"] == episodes[:2]
    assert all("source" not in hit for hit in mixed["hits"])


def test_without_crossing_a_skip_alone_names_no_place_in_its_kind(apart: Client, apart_parts: Dependencies) -> None:
    columns = apart_parts.live.release.columns
    vectors = np.asarray(columns.vectors("text"))
    query = vectors[columns.ids.find("jazz-8")] - 0.5 * vectors[columns.ids.find("crime-3")]
    answer = similar(apart, seeds=[{"id": "jazz-8"}, {"id": "crime-3", "weight": -0.5}], kinds=["episode"], limit=1)
    (hit,) = answer["hits"]
    scores = [
        float(vectors[row] @ query / np.linalg.norm(query))
        for row in range(len(columns))
        if columns.payload(row).kind == "episode" and columns.payload(row).id != "crime-3"
    ]
    assert hit["score"] == pytest.approx(max(scores), abs=1e-5)


def test_without_crossing_a_mix_for_someone_who_heard_music_alone_has_both(
    apart: Client, apart_parts: Dependencies
) -> None:
    heard = ["metal-3", "metal-4"]
    answer = recommend(apart, history=[{"id": item} for item in heard], mix={"track": 7, "episode": 3}, limit=10)
    assert kinds(answer).count("track") == 7
    episodes = [hit["id"] for hit in answer["hits"] if hit["kind"] == "episode"]
    assert episodes == nearest(apart_parts, "text", heard, "episode", set())[:3]
    assert {taste_of(hit["id"]) for hit in answer["hits"] if hit["kind"] == "track"} == {"metal"}


def test_each_kind_is_explained_in_the_space_that_it_was_found_in(apart: Client) -> None:
    answer = similar(apart, seeds=[{"id": "jazz-8"}], mix={"track": 1, "episode": 1}, limit=20, explain=True)
    assert set(kinds(answer)) == set(KINDS)
    for hit in answer["hits"]:
        # Of a single seed the likeness is the score: by the tower of one kind, by the texts of the other.
        assert hit["explain"]["nearest_seed"] == {"id": "jazz-8", "similarity": pytest.approx(hit["score"], abs=2e-6)}


def test_a_kind_that_the_tower_has_seen_no_likes_of_is_found_by_the_texts(tower_world: Path) -> None:
    parts = open_dependencies(Settings(data_dir=tower_world))
    parts.live.release.manifest = replace(parts.live.release.manifest, crossing=(("track", "track"),))
    with TestClient(create_app(parts)) as client:
        for seeds, kind, space in (("crime-3", "episode", "text"), ("jazz-8", "track", "tower")):
            expected = nearest(parts, space, [seeds], kind, {seeds})[:20]
            assert ids(similar(client, seeds=[{"id": seeds}], kinds=[kind], limit=20)) == expected


KINDS_UNASKED: list[tuple[str, dict[str, Any], set[str], set[str]]] = [
    # Of one that crosses, and of one that does not.
    ("similar", {"seeds": [{"id": "jazz-8"}]}, {"track"}, {"track"}),
    ("similar", {"seeds": [{"id": "crime-3"}]}, {"episode"}, {"episode"}),
    ("similar", {"seeds": [{"id": "jazz-8"}, {"id": "crime-3", "weight": -0.5}]}, {"track"}, {"track"}),
    ("similar", {"seeds": [{"id": "jazz-8"}, {"id": "crime-3"}]}, set(KINDS), set(KINDS)),
    ("similar", {"seeds": [{"id": "crime-3", "weight": -1}]}, {"episode"}, {"episode"}),
    ("recommend", {"history": [{"id": "jazz-8"}, {"id": "metal-2"}, {"id": "crime-3"}]}, set(KINDS), {"track"}),
    ("recommend", {"history": [{"id": "jazz-8"}, {"id": "crime-3", "weight": 1.5}]}, set(KINDS), {"episode"}),
    ("recommend", {"history": [{"id": "jazz-8"}, {"id": "crime-3", "weight": -9}]}, set(KINDS), {"track"}),
    ("recommend", {"history": []}, set(KINDS), set(KINDS)),
    ("recommend", {"user_id": "nobody"}, set(KINDS), set(KINDS)),
    ("search", {"text": "number 3", "mode": "lexical"}, set(KINDS), set(KINDS)),
    ("search", {"text": "number 3", "seeds": [{"id": "jazz-8"}]}, set(KINDS), set(KINDS)),
]


@pytest.mark.parametrize(("route", "body", "crossing", "alone"), KINDS_UNASKED)
def test_without_a_word_of_kinds_those_come_that_were_asked_with(
    client: Client, apart: Client, route: str, body: dict[str, Any], crossing: set[str], alone: set[str]
) -> None:
    for service, expected in ((client, crossing), (apart, alone)):
        assert set(kinds(service.post(f"/v1/{route}", json={"context": SE, "limit": 60} | body).json())) == expected


def test_without_a_model_too(text_client: Client) -> None:
    assert set(kinds(similar(text_client, seeds=[{"id": "jazz-8"}], limit=100))) == {"track"}
    listened = [{"id": "jazz-8"}, {"id": "crime-3"}, {"id": "crime-4"}]
    assert set(kinds(recommend(text_client, history=listened, limit=100))) == {"episode"}
    by_get = text_client.get("/v1/items/crime-3/similar", params={"limit": 100}).json()
    assert set(kinds(by_get)) == {"episode"}
    assert "kinds episode" in by_get["short_reason"]


def test_another_kind_comes_where_kinds_mix_or_a_filter_ask(client: Client, apart: Client) -> None:
    seeds = [{"id": "jazz-8"}]
    asked: list[tuple[dict[str, Any], set[str]]] = [
        ({"kinds": ["episode"]}, {"episode"}),
        ({"kinds": ["track", "episode"]}, set(KINDS)),
        ({"mix": {"track": 1, "episode": 1}}, set(KINDS)),
        ({"mix": {"episode": 1}}, {"episode"}),
        ({"filter": {"field": "kind", "equals": "episode"}}, {"episode"}),
        ({"filter": {"none": [{"all": [{"field": "kind", "one_of": ["track"]}]}]}}, {"episode"}),
        ({"filter": {"field": "duration_s", "range": {"gt": 0}}}, {"track"}),
    ]
    for body, expected in asked:
        for service in (client, apart):
            assert set(kinds(similar(service, seeds=seeds, limit=20, **body))) == expected, body
    told = client.post("/v1/items/crime-5/why", json={"similar": {"seeds": seeds, "context": SE}}).json()
    assert (told["outcome"], told["rules"]["kinds"]) == ("rules", False)


def test_pages_go_on_among_the_kinds_that_they_began_with(apart: Client) -> None:
    body = {"seeds": [{"id": "jazz-8"}]}
    long, page = ids(similar(apart, **body, limit=12)), similar(apart, **body, limit=5)
    assert ids(page) + ids(similar(apart, **body, limit=7, cursor=page["next_cursor"])) == long


def test_each_hit_says_by_which_space_it_was_scored(client: Client, text_client: Client, apart: Client) -> None:
    def spaces(service: Client, route: str, **body: Any) -> set[tuple[str, str | None]]:
        answer = service.post(f"/v1/{route}", json={"context": SE, "limit": 20} | body).json()
        return {(hit["kind"], hit.get("space")) for hit in answer["hits"]}

    seeds = [{"id": "jazz-8"}]
    assert spaces(client, "similar", seeds=seeds, mix={"track": 1, "episode": 1}) == {
        ("track", "tower"),
        ("episode", "tower"),
    }
    assert spaces(apart, "similar", seeds=seeds, mix={"track": 1, "episode": 1}) == {
        ("track", "tower"),
        ("episode", "text"),
    }
    assert spaces(text_client, "recommend", history=seeds) == {("track", "text")}
    assert spaces(client, "recommend", user_id="nobody", kinds=["track"]) == {("track", None)}
    by_mode = {"semantic": "text", "hybrid": "text+bm25", "lexical": "bm25"}
    for mode, space in by_mode.items():
        assert spaces(client, "search", text="jazz", mode=mode, kinds=["track"]) == {("track", space)}
        assert spaces(client, "search", text="jazz", mode=mode, kinds=["track"], score_threshold=-1) == {
            ("track", space)
        }
    assert spaces(client, "search", text="jazz", seeds=seeds, kinds=["track"]) == {("track", None)}
