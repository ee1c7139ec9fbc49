"""Seeds: many, of both kinds, of either sign, some unknown; and those that are refused, each with what to do."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.dependencies import Dependencies
from service.main import open_dependencies
from service.schemas.settings import Settings
from tests.service.conftest import Client
from tests.service.queries.test_recommend import SE, ids
from tests.service.queries.test_similar import similar
from tests.service.world import ADULT, NOT_YET_OPEN, TASTES, US_ONLY, ids_of

ALL = [item for taste in TASTES for item in ids_of(taste)]


@pytest.fixture(scope="module")
def parts(tower_world: Path) -> Dependencies:
    return open_dependencies(Settings(data_dir=tower_world))


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(number=st.integers(1, 70), seed=st.integers(0, 2**32))
def test_any_seeds_give_the_exact_neighbours_of_their_sum(
    client: Client, parts: Dependencies, number: int, seed: int
) -> None:
    dice = random.Random(seed)
    chosen = dice.sample(ALL, number)
    weights = [dice.choice((-1e6, -2.5, -1.0, 0.0, 0.5, 1.0, 3.0, 1e6)) for _ in chosen]
    posted = [{"id": item, "weight": weight} for item, weight in zip(chosen, weights, strict=True)]
    columns = parts.live.release.columns
    vectors = np.asarray(columns.vectors("tower"), np.float64)
    total = np.array(weights) @ vectors[[columns.ids.find(item) for item in chosen]]
    body = {"seeds": posted, "context": SE, "kinds": ["track", "episode"], "limit": 100}
    response = client.post("/v1/similar", json=body)
    if not np.abs(weights).sum():
        assert response.json()["type"] == "urn:nearfield:problem:weights-cancel"
        return
    scores = vectors @ total / np.linalg.norm(total)
    left_out = {*chosen, US_ONLY, NOT_YET_OPEN, ADULT}
    expected = {item: scores[columns.ids.find(item)] for item in ALL if item not in left_out}
    answer = response.json()
    assert {hit["id"] for hit in answer["hits"]} == expected.keys()
    assert [hit["score"] for hit in answer["hits"]] == pytest.approx(sorted(expected.values(), reverse=True), abs=1e-4)
    assert [hit["score"] for hit in answer["hits"]] == pytest.approx([expected[item] for item in ids(answer)], abs=1e-4)


def test_a_hundred_seeds_are_taken_and_the_unknown_ones_named(client: Client) -> None:
    posted = [{"id": item} for item in ALL] + [{"id": f"gone-{number}"} for number in range(20)]
    refused = client.post("/v1/similar", json={"seeds": posted, "context": SE}).json()
    assert [error["came"] for error in refused["errors"]] == [f'"gone-{number}"' for number in range(20)]
    assert "20 of 100 ids in `seeds` are not in the catalogue" in refused["detail"]
    assert '"unknown_seeds": "skip"' in refused["detail"]
    answer = similar(client, seeds=posted, unknown_seeds="skip")
    assert answer["hits"] == []
    assert len(answer["skipped"]) == 20
    assert "77 of them are left out as seeds" in answer["short_reason"]


def test_a_weight_of_nothing_says_nothing_and_still_does_not_come_back(client: Client) -> None:
    alone = similar(client, seeds=[{"id": "metal-1"}], exclude=["jazz-8"], limit=50)
    beside = similar(client, seeds=[{"id": "metal-1"}, {"id": "jazz-8", "weight": 0}], limit=50)
    assert set(ids(beside)) == set(ids(alone))
    scores = [[hit["score"] for hit in answer["hits"]] for answer in (alone, beside)]
    assert scores[0] == pytest.approx(scores[1], abs=2e-6)


def test_a_seed_given_twice_counts_twice(client: Client) -> None:
    twice = similar(client, seeds=[{"id": "metal-1"}, {"id": "metal-1"}, {"id": "jazz-8"}])
    doubled = similar(client, seeds=[{"id": "metal-1", "weight": 2}, {"id": "jazz-8"}])
    # Each request has a cursor of its own.
    assert twice.pop("next_cursor") != doubled.pop("next_cursor")
    assert twice == doubled


@pytest.mark.parametrize("field", ["seeds", "history"])
@pytest.mark.parametrize(
    ("weight", "told"),
    [
        ("1e999", "number between -1.8e308 and 1.8e308"),
        ("-1e999", "number between -1.8e308 and 1.8e308"),
        ("1e7", "expected float <= 1000000"),
        ("-1e7", "expected float >= -1000000"),
        ("NaN", "Expected one JSON object"),
        ("Infinity", "Expected one JSON object"),
        ("null", "expected float, came null"),
        ('"1"', 'expected float, came "1"'),
    ],
)
def test_a_weight_that_is_no_number_of_use_is_refused(client: Client, field: str, weight: str, told: str) -> None:
    body = f'{{"{field}": [{{"id": "metal-1", "weight": {weight}}}], "context": {{"market": "SE"}}}}'
    route = "/v1/similar" if field == "seeds" else "/v1/recommend"
    response = client.post(route, content=body.encode(), headers={"content-type": "application/json"})
    assert response.status_code == 400, response.text
    assert told in response.json()["detail"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"seeds": [{"id": "metal-1"}] * 10_000}, "seeds: expected array of length <= 100, came one of 10,000"),
        ({"seeds": [{"id": "metal-1"}] * 101}, "seeds: expected array of length <= 100, came one of 101"),
        ({"seeds": []}, "seeds: expected array of length >= 1, came []"),
        ({"seeds": [{"id": ""}]}, "seeds[0].id: expected str of length >= 1"),
        ({"seeds": [{"weight": 1}]}, "seeds[0]: expected either an id or a vector"),
        ({"history": [{"id": "metal-1"}] * 1_001}, "history: expected array of length <= 1000, came one of 1,001"),
        ({"history": [{"id": "metal-1", "at": "yesterday"}]}, "history[0].at: expected"),
        ({"history": [{"id": "metal-1", "weight": 1, "wieght": 2}]}, "did you mean weight?"),
    ],
)
def test_lists_beyond_their_limits_and_bad_entries_are_refused(client: Client, body: dict[str, Any], told: str) -> None:
    route = "/v1/similar" if "seeds" in body else "/v1/recommend"
    response = client.post(route, content=json.dumps({"context": SE, **body}).encode())
    assert response.status_code == 400
    assert told in response.json()["detail"]
