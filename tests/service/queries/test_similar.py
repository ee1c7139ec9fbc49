"""`similar` on the planted world: the right items, never a forbidden one, and no seed."""

from collections import Counter
from typing import Any

import pytest

from tests.service.conftest import Client
from tests.service.world import (
    ADULT,
    EXPLICIT,
    ITALIAN,
    NO_LANGUAGE,
    NOT_YET_OPEN,
    ODD_ID,
    PER_TASTE,
    US_ONLY,
    ids_of,
    taste_of,
)

SE = {"market": "SE"}
BOTH = ["track", "episode"]
ALL = 4 * PER_TASTE


def similar(client: Client, **body: Any) -> dict[str, Any]:
    response = client.post("/v1/similar", json={"context": SE} | body)
    assert response.status_code == 200, response.text
    answer = response.json()
    assert isinstance(answer, dict)
    return answer


def ids(answer: dict[str, Any]) -> list[str]:
    return [hit["id"] for hit in answer["hits"]]


def test_neighbours_are_of_the_planted_tastes(client: Client) -> None:
    answer = similar(client, seeds=[{"id": "metal-3"}], kinds=BOTH, limit=20)
    # Whoever likes metal was made to like cooking.
    assert {taste_of(found) for found in ids(answer)} <= {"metal", "cooking"}
    scores = [hit["score"] for hit in answer["hits"]]
    assert scores == sorted(scores, reverse=True)
    assert len(set(ids(answer))) == 20


def test_text_alone_finds_the_same_taste(text_client: Client) -> None:
    answer = similar(text_client, seeds=[{"id": "crime-3"}], limit=15)
    assert {taste_of(found) for found in ids(answer)} == {"crime"}


def test_a_hit_tells_what_the_catalogue_says(client: Client) -> None:
    found = next(hit for hit in similar(client, seeds=[{"id": "jazz-8"}], limit=100)["hits"] if hit["id"] == "metal-1")
    assert found | {"score": 0} == {
        "id": "metal-1",
        "score": 0,
        "space": "tower",
        "kind": "track",
        "title": "Metal number 1",
        "creator": "Metal Makers 1",
        "creators": ["Metal Makers 1"],
        "explicit": False,
        "duration_s": 181.0,
        "language": "en-GB",
        "published_at": "2020-09-13T12:26:41Z",
    }


def test_seeds_never_come_back(client: Client) -> None:
    seeds = ids_of("metal")
    answer = similar(client, seeds=[{"id": seed} for seed in seeds], limit=100)
    assert not set(seeds) & set(ids(answer))


def test_a_negative_weight_pushes_away(client: Client) -> None:
    answer = similar(client, seeds=[{"id": "metal-1"}, {"id": "jazz-8", "weight": -1}], kinds=BOTH, limit=30)
    assert {taste_of(found) for found in ids(answer)[:15]} <= {"metal", "cooking"}
    away = similar(client, seeds=[{"id": "jazz-8", "weight": -1}], kinds=BOTH, limit=15)
    assert {taste_of(found) for found in ids(away)} <= {"metal", "cooking"}


@pytest.mark.parametrize("weights", [(1, -1), (0, 0), (1e6, -1e6)])
def test_weights_that_cancel_are_refused(client: Client, weights: tuple[float, float]) -> None:
    seeds = [{"id": "metal-1", "weight": weight} for weight in weights]
    response = client.post("/v1/similar", json={"seeds": seeds, "context": SE})
    assert response.status_code == 400
    assert response.json()["type"] == "urn:nearfield:problem:weights-cancel"


def test_an_unknown_seed_is_named_and_can_be_skipped(client: Client) -> None:
    body = {"seeds": [{"id": "metal-1"}, {"id": "nope"}], "context": SE}
    refused = client.post("/v1/similar", json=body)
    assert refused.status_code == 400
    assert refused.json()["type"] == "urn:nearfield:problem:unknown-seeds"
    assert refused.json()["errors"] == [
        {"field": "seeds[1].id", "expected": "the id of an item in the catalogue", "came": '"nope"'}
    ]
    answer = similar(client, **body, unknown_seeds="skip")
    assert answer["skipped"] == ["nope"]
    assert ids(answer) == ids(similar(client, seeds=[{"id": "metal-1"}]))


def test_only_unknown_seeds_are_an_error_even_when_they_may_be_skipped(client: Client) -> None:
    response = client.post("/v1/similar", json={"seeds": [{"id": "nope"}], "context": SE, "unknown_seeds": "skip"})
    assert response.status_code == 400
    assert "nope" in response.json()["detail"]


def everything(client: Client, context: dict[str, Any], **more: Any) -> set[str]:
    """All ids that may be shown in a context: near an item that is in none of the special cases."""
    answer = similar(client, **{"seeds": [{"id": "crime-3"}], "kinds": BOTH, "limit": 100, "context": context} | more)
    return set(ids(answer))


def test_market_windows_hold_to_the_second(client: Client) -> None:
    assert US_ONLY not in everything(client, SE)
    assert US_ONLY in everything(client, {"market": "US"})
    assert NOT_YET_OPEN not in everything(client, SE | {"at": "2029-12-31T23:59:59Z"})
    assert NOT_YET_OPEN in everything(client, SE | {"at": "2030-01-01T01:00:00+01:00"})


def test_explicit_age_and_languages(client: Client) -> None:
    assert EXPLICIT in everything(client, SE)
    assert EXPLICIT not in everything(client, SE | {"explicit": False})
    # Not known is not explicit, unless the rules say so.
    assert NO_LANGUAGE in everything(client, SE | {"explicit": False})
    assert ADULT not in everything(client, SE)
    assert ADULT not in everything(client, SE | {"age": 17})
    assert ADULT in everything(client, SE | {"age": 18})
    assert everything(client, SE | {"languages": ["it"]}) == {ITALIAN, NO_LANGUAGE}
    assert ITALIAN not in everything(client, SE | {"languages": ["EN"]})


def test_kinds_blocklists_and_exclude(client: Client) -> None:
    assert {taste_of(found) for found in everything(client, SE, kinds=["track"])} == {"jazz", "metal"}
    assert "jazz-9" not in everything(client, SE | {"blocked_items": ["jazz-9", "nope"]})
    assert "jazz-9" not in everything(client, SE, exclude=["jazz-9"])
    left = everything(client, SE | {"blocked_creators": ["  jazz MAKERS 4"]})
    assert not left & {"jazz-4", "jazz-9", "jazz-14", "jazz-19"}
    assert "jazz-8" in left


def test_the_forbidden_may_seed(client: Client) -> None:
    answer = similar(client, seeds=[{"id": US_ONLY}], limit=10)
    assert {taste_of(found) for found in ids(answer)} <= {"jazz", "crime"}


def test_a_short_answer_says_why(client: Client) -> None:
    answer = similar(client, seeds=[{"id": "crime-3"}], kinds=BOTH, limit=100)
    # Of 80 items, one is licensed in the US alone, one opens later, one is for adults.
    assert len(answer["hits"]) == ALL - 3 - 1
    assert answer["short_reason"].startswith("the rules let 77 items pass in market SE at ")
    assert "(of all, windows keeps out 2, age keeps out 1)" in answer["short_reason"]
    assert "1 of them are left out" in answer["short_reason"]
    none = similar(
        client, seeds=[{"id": "crime-3"}], context=SE | {"languages": ["xx"], "explicit": False}, kinds=["episode"]
    )
    assert none["hits"] == []
    assert "0 items pass" in none["short_reason"]
    assert "languages xx" in none["short_reason"]
    # The strictest first; one item names no language, which the rule lets pass.
    assert "(of all, languages keeps out 79, kinds keeps out 40, windows keeps out 2," in none["short_reason"]
    assert "short_reason" not in similar(client, seeds=[{"id": "crime-3"}], kinds=BOTH, limit=76)


def test_excluded_neighbours_are_made_up_for(client: Client) -> None:
    nearest = ids(similar(client, seeds=[{"id": "metal-1"}], kinds=BOTH, limit=60))
    answer = similar(client, seeds=[{"id": "metal-1"}], kinds=BOTH, limit=5, exclude=nearest)
    assert len(answer["hits"]) == 5
    assert not set(nearest) & set(ids(answer))
    assert ids(similar(client, seeds=[{"id": "metal-1"}], kinds=BOTH, limit=65))[60:] == ids(answer)


def test_get_gives_what_post_gives(client: Client) -> None:
    url = "/v1/items/metal-1/similar?market=US&limit=7&explicit=false&languages=en,it&kinds=track&at=2024-05-31"
    context = {"market": "US", "explicit": False, "languages": ["en", "it"], "at": "2024-05-31"}
    got = client.get(url)
    assert got.status_code == 200, got.text
    assert got.json() == similar(client, seeds=[{"id": "metal-1"}], limit=7, context=context, kinds=["track"])


def test_an_id_may_hold_any_character(client: Client) -> None:
    address = "/v1/items/a%2Fb%20c%3F%25%C3%A9"
    assert client.get(address).json()["id"] == ODD_ID
    near = client.get(f"{address}/similar?market=SE")
    assert near.status_code == 200
    assert Counter(taste_of(found) for found in ids(near.json())).keys() <= {"jazz", "crime"}
    assert ODD_ID not in ids(near.json())


def test_an_item_shows_its_licences(client: Client) -> None:
    item = client.get(f"/v1/items/{NOT_YET_OPEN}").json()
    assert item["availability"] == [{"market": "*", "from": "2030-01-01T00:00:00Z", "until": None}]
    assert item["explicit"] is False
    assert client.get(f"/v1/items/{NO_LANGUAGE}").json()["explicit"] is None
