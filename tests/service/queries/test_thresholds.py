"""`score_threshold`, `fields` and raw vectors as seeds, on every kind of query."""

from typing import Any

import numpy as np
import pytest

from service.schemas.row_fields import ROW_FIELDS, RowFields
from tests.service.conftest import Client

SE = {"market": "SE"}
LISTS: list[tuple[str, dict[str, Any]]] = [
    ("similar", {"seeds": [{"id": "metal-3"}, {"id": "crime-2", "weight": 0.5}]}),
    ("recommend", {"user_id": "user-3", "history": [{"id": "jazz-8"}]}),
    ("recommend", {"history": []}),
    ("search", {"text": "jazz number 4", "mode": "lexical"}),
    ("search", {"text": "jazz number 4", "mode": "semantic"}),
    ("search", {"text": "jazz number 4"}),
    ("search", {"text": "jazz number 4", "seeds": [{"id": "metal-3"}]}),
    ("similar", {"seeds": [{"id": "metal-3"}], "mix": {"track": 2, "episode": 1}}),
    ("similar", {"seeds": [{"id": "metal-3"}], "filter": {"field": "tags", "one_of": ["metal", "crime"]}}),
]


def ask(client: Client, route: str, body: dict[str, Any], status: int = 200) -> dict[str, Any]:
    response = client.post(f"/v1/{route}", json={"context": SE} | body)
    assert response.status_code == status, response.text
    answer: dict[str, Any] = response.json()
    return answer


def ids(answer: dict[str, Any]) -> list[str]:
    return [hit["id"] for hit in answer["hits"]]


@pytest.mark.parametrize(("route", "body"), LISTS)
def test_a_threshold_leaves_just_the_hits_that_score_as_much(client: Client, route: str, body: dict[str, Any]) -> None:
    whole = ask(client, route, body | {"limit": 100})["hits"]
    scores = sorted((hit["score"] for hit in whole), reverse=True)
    for threshold in (scores[0], scores[len(scores) // 3], scores[-2]):
        asked = body | {"score_threshold": threshold}
        if route == "recommend" and "source" in whole[0]:
            # What is popular is fresh as well, and stands among the fresh where it is not popular enough.
            found = ask(client, route, asked | {"limit": 100})
            assert all(hit["score"] >= threshold for hit in found["hits"])
            continue
        expected = [hit["id"] for hit in whole if hit["score"] >= threshold]
        if "mix" in body:
            assert sorted(ids(ask(client, route, asked | {"limit": 100}))) == sorted(expected)
            continue
        found = ask(client, route, asked | {"limit": 100})
        assert ids(found) == expected
        if len(expected) < len(whole):
            assert found["short_reason"].startswith(f"score-threshold: {len(expected)} of the items")
        page = ask(client, route, asked | {"limit": 3})
        listed = ids(page)
        while "next_cursor" in page:
            page = ask(client, route, asked | {"limit": 7, "cursor": page["next_cursor"]})
            listed += ids(page)
        assert listed == expected


def test_a_threshold_holds_in_a_batch_and_is_told_by_why(client: Client) -> None:
    query = {"seeds": [{"id": "metal-3"}], "context": SE, "score_threshold": 0.8}
    batch = client.post("/v1/batch", json={"queries": [{"similar": query}]}).json()
    assert [one["answer"]["hits"] for one in batch["outcomes"]] == [ask(client, "similar", query)["hits"]]
    told = client.post("/v1/items/jazz-9/why", json={"similar": query}).json()
    assert (told["outcome"], told["stage"]) == ("score_threshold", "retrieval")
    assert told["score"] < 0.8


def test_a_cursor_belongs_to_its_threshold(client: Client) -> None:
    body = {"seeds": [{"id": "metal-3"}], "limit": 2, "score_threshold": 0.5}
    cursor = ask(client, "similar", body)["next_cursor"]
    refused = ask(client, "similar", body | {"score_threshold": 0.4, "cursor": cursor}, 400)
    assert refused["type"] == "urn:nearfield:problem:cursor-mismatch"


def test_only_the_named_fields_come_and_null_where_there_is_none(client: Client) -> None:
    (bare,) = ask(client, "similar", {"seeds": [{"id": "metal-3"}], "fields": [], "limit": 1})["hits"]
    assert set(bare) == {"id", "score", "space"}
    (whole,) = ask(client, "similar", {"seeds": [{"id": "metal-3"}], "fields": list(ROW_FIELDS), "limit": 1})["hits"]
    assert set(whole) == {"id", "score", "space", *ROW_FIELDS}
    item = client.get(f"/v1/items/{whole['id']}").json()
    assert {name: whole[name] for name in ROW_FIELDS if name != "vector"} == {
        name: item[name] for name in ROW_FIELDS if name != "vector"
    }
    assert whole["album"] is None
    assert RowFields.__struct_fields__ == ROW_FIELDS


def test_a_vector_is_that_of_the_space_that_scored(client: Client, text_client: Client) -> None:
    in_tower = ask(client, "similar", {"seeds": [{"id": "metal-3"}], "fields": ["vector"], "limit": 1})["hits"][0]
    in_text = ask(client, "search", {"text": "jazz", "mode": "semantic", "fields": ["vector"], "limit": 1})["hits"][0]
    without_model = ask(text_client, "similar", {"seeds": [{"id": "metal-3"}], "fields": ["vector"], "limit": 1})
    assert [len(hit["vector"]) for hit in (in_tower, in_text, *without_model["hits"])] == [16, 384, 384]
    assert np.linalg.norm(in_tower["vector"]) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("using", ["tower", "text"])
def test_a_posted_vector_finds_what_its_item_finds_and_the_item_too(
    client: Client, text_client: Client, using: str
) -> None:
    service = client if using == "tower" else text_client
    by_id = ask(service, "similar", {"seeds": [{"id": "metal-3"}], "limit": 20})
    (own,) = ask(service, "similar", {"seeds": [{"id": ids(by_id)[0]}], "exclude": [], "limit": 1})["hits"]
    (hit,) = ask(service, "similar", {"seeds": [{"id": own["id"]}], "fields": ["vector"], "limit": 1})["hits"]
    longer = [17.5 * value for value in hit["vector"]]
    of_kind = {"kinds": [own["kind"]], "limit": 20}
    found = ask(service, "similar", {"seeds": [{"vector": longer, "using": using}]} | of_kind)
    assert ids(found)[0] == hit["id"]
    assert found["hits"][0]["score"] == pytest.approx(1, abs=1e-6)
    assert ids(found)[1:] == ids(ask(service, "similar", {"seeds": [{"id": hit["id"]}], "limit": 19}))


def test_vectors_and_ids_are_summed_by_their_weights(client: Client) -> None:
    (hit,) = ask(client, "similar", {"seeds": [{"id": "metal-3"}], "filter": TWO, "fields": ["vector"], "limit": 1})[
        "hits"
    ]
    by_ids = {"seeds": [{"id": hit["id"]}, {"id": "crime-2", "weight": -0.5}], "kinds": ["track"], "limit": 20}
    mixed = {
        "seeds": [{"id": "crime-2", "weight": -0.5}, {"vector": hit["vector"]}],
        "kinds": ["track"],
        "exclude": [hit["id"]],
    }
    assert ids(ask(client, "similar", mixed | {"limit": 20})) == ids(ask(client, "similar", by_ids))
    cancelled = {"seeds": [{"vector": hit["vector"]}, {"id": hit["id"], "weight": -1}]}
    assert ask(client, "similar", cancelled, 400)["type"] == "urn:nearfield:problem:weights-cancel"
    with_text = ask(client, "search", {"text": "bread and soup", "seeds": [{"vector": hit["vector"]}], "limit": 100})
    assert hit["id"] in ids(with_text)


TWO = {"field": "tags", "one_of": ["metal"]}


@pytest.mark.parametrize(
    ("seeds", "told"),
    [
        ([{}], "seeds[0]: expected either an id or a vector"),
        ([{"id": "metal-1", "vector": [1.0]}], "seeds[0]: expected either an id or a vector"),
        ([{"id": "metal-1", "using": "text"}], "seeds[0]: expected using only beside a vector"),
        ([{"vector": [1.0, 2.0]}], "seeds[0].vector: expected 16 numbers, as the vectors of the space tower"),
        ([{"vector": [0.0] * 16}], "seeds[0].vector: expected a vector that points somewhere, came zeros alone"),
        ([{"vector": [1.0] * 16}, {"vector": [1.0] * 384, "using": "text"}], "seeds[1].using: expected vectors of one"),
        ([{"vector": ["1"] * 16}], "seeds[0].vector[0]: expected float"),
        ([{"vector": []}], "seeds[0].vector: expected array of length >= 1"),
    ],
)
def test_a_vector_that_cannot_be_searched_with_is_told(client: Client, seeds: list[Any], told: str) -> None:
    assert told in ask(client, "similar", {"seeds": seeds}, 400)["detail"]


def test_numbers_that_no_float_holds_are_refused_and_large_ones_are_not(client: Client, text_client: Client) -> None:
    body = b'{"context": {"market": "SE"}, "seeds": [{"vector": [1e999' + b", 0" * 15 + b"]}]}"
    refused = client.post("/v1/similar", content=body)
    assert refused.status_code == 400
    large, small = ([number] * 16 for number in (1e300, 5e-324))
    assert ids(ask(client, "similar", {"seeds": [{"vector": large}]})) == ids(
        ask(client, "similar", {"seeds": [{"vector": small}]})
    )
    told = ask(text_client, "similar", {"seeds": [{"vector": large, "using": "tower"}]}, 400)["detail"]
    assert "seeds[0].using: expected a space of release" in told
    assert ": text, came tower" in told
