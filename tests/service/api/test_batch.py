"""Many queries in one call: each as its own route answers it, and none stops another."""

from typing import Any

import pytest

from indexing.errors import StoreError
from indexing.search.finder import Finder
from tests.service.conftest import Client
from tests.service.world import TASTES

SE = {"market": "SE"}
GOOD: list[tuple[str, dict[str, Any]]] = [
    ("similar", {"seeds": [{"id": "jazz-8"}], "context": SE}),
    ("recommend", {"history": [{"id": "jazz-9"}, {"id": "crime-1"}], "context": SE, "limit": 3}),
    ("search", {"text": TASTES["jazz"], "mode": "semantic", "context": SE}),
]
BAD: list[tuple[Any, int, str]] = [
    ({"similar": {"seeds": [{"id": "nobody"}], "context": SE}}, 400, "nobody"),
    ({"similar": {"seeds": [], "context": SE}}, 400, "seeds"),
    ({"similar": {"seeds": [{"id": "jazz-8", "weigth": 1}], "context": SE}}, 400, "weigth"),
    ({"recommend": {"context": SE}}, 400, "user_id"),
    ({"similar": {"seeds": [{"id": "jazz-8"}], "mix": {}, "context": SE}}, 400, "mix"),
    ({"similar": {"seeds": [{"id": "jazz-8"}]}}, 400, "context.market"),
    ({"similar": {"seeds": [{"id": "jazz-8"}], "context": SE, "release": "r1"}}, 404, "r1"),
    ({"simlar": {}}, 400, "similar, recommend, search"),
    ({"similar": {}, "search": {}}, 400, "similar, recommend, search"),
    ({}, 400, "similar, recommend, search"),
    ("similar", 400, "similar, recommend, search"),
    (None, 400, "similar, recommend, search"),
]


def ask(client: Client, queries: list[Any]) -> list[dict[str, Any]]:
    answer = client.post("/v1/batch", json={"queries": queries})
    assert answer.status_code == 200, answer.text
    outcomes: list[dict[str, Any]] = answer.json()["outcomes"]
    assert len(outcomes) == len(queries)
    return outcomes


def test_each_query_has_the_answer_of_its_own_route(client: Client) -> None:
    outcomes = ask(client, [{kind: body} for kind, body in GOOD])
    for (kind, body), outcome in zip(GOOD, outcomes, strict=True):
        # A cursor says when it was given.
        assert outcome["status"] == 200
        alone = client.post(f"/v1/{kind}", json=body).json()
        assert outcome["answer"] | {"next_cursor": ""} == alone | {"next_cursor": ""}


@pytest.mark.parametrize(("query", "status", "told"), BAD)
def test_one_that_fails_says_so_in_its_place_and_stops_no_other(
    client: Client, query: Any, status: int, told: str
) -> None:
    kind, body = GOOD[0]
    before, failed, after = ask(client, [{kind: body}, query, {kind: body}])
    assert failed["status"] == failed["problem"]["status"] == status
    assert told in failed["problem"]["detail"]
    assert "answer" not in failed
    alone = client.post(f"/v1/{kind}", json=body).json()
    for outcome in (before, after):
        # A cursor says when it was given.
        assert outcome["status"] == 200
        assert outcome["answer"] | {"next_cursor": ""} == alone | {"next_cursor": ""}


def test_an_engine_that_fails_is_told_for_each_query_that_it_fails(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: object, **__: object) -> None:
        raise StoreError("the disk is gone")

    monkeypatch.setattr(Finder, "nearest", gone)
    (outcome,) = ask(client, [{GOOD[0][0]: GOOD[0][1]}])
    assert outcome["status"] == 503
    assert outcome["problem"]["type"] == "urn:nearfield:problem:store-unavailable"
    assert "gone" not in outcome["problem"]["detail"]
    assert len(outcome["problem"]["incident"]) == 12


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"queries": []}, "queries"),
        ({"queries": [{"similar": {}}] * 51}, "queries"),
        ({"querys": []}, "querys"),
        ({}, "queries"),
    ],
)
def test_a_batch_that_is_none_is_refused_whole(client: Client, body: dict[str, Any], told: str) -> None:
    answer = client.post("/v1/batch", json=body)
    assert answer.status_code == 400
    assert told in answer.json()["detail"]
