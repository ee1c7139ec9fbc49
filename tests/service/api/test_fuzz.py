"""Whatever is posted, the answer is 200 or a problem that blames the request; never a 500."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.service.conftest import Client

ROUTES = ("/v1/similar", "/v1/recommend", "/v1/search")
NAMES = (
    "seeds", "history", "user_id", "text", "mode", "context", "kinds", "exclude", "limit", "unknown_seeds", "id", "at",
    "weight", "market", "explicit", "languages", "age", "blocked_items", "blocked_creators", "cursor",
)  # fmt: skip
WORDS = ("metal-1", "a/b c?%é", "user-0", "nope", "SE", "en", "track", "skip", "2024-05-31", "semantic", "\x00", "")

leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=True, allow_infinity=True)
    | st.sampled_from(WORDS)
    | st.text(max_size=20)
)
anything = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=25,
)
entries = st.lists(
    st.fixed_dictionaries(
        {"id": st.sampled_from(WORDS)}, optional={"weight": st.floats(-1e6, 1e6) | leaves, "at": leaves}
    ),
    min_size=1,
    max_size=5,
)
contexts = st.fixed_dictionaries(
    {"market": st.sampled_from(("SE", "US", "ZZ"))},
    optional={
        "at": st.datetimes().map(lambda moment: moment.isoformat()) | leaves,
        "explicit": st.booleans(),
        "languages": st.lists(st.sampled_from(("en", "*", "it", "EN-gb")), min_size=1, max_size=3) | leaves,
        "age": st.integers(-1, 200),
        "blocked_items": st.lists(st.sampled_from(WORDS), max_size=3),
        "blocked_creators": st.lists(st.text(max_size=8), max_size=3),
    },
)
nearly_right = st.fixed_dictionaries(
    {"context": contexts},
    optional={
        "seeds": entries,
        "history": entries,
        "user_id": st.sampled_from(WORDS),
        "text": st.text(max_size=30),
        "limit": st.integers(-1, 101),
        "kinds": st.lists(st.sampled_from(("track", "episode")), min_size=1, max_size=2),
        "exclude": st.lists(st.sampled_from(WORDS), max_size=3),
        "unknown_seeds": st.sampled_from(("error", "skip", "x")),
    },
)


def check(client: Client, route: str, body: bytes) -> None:
    response = client.post(route, content=body, headers={"content-type": "application/json"})
    assert response.status_code in {200, 400, 404}, (body, response.text)
    answer: dict[str, Any] = response.json()
    if response.status_code == 200:
        assert answer["hits"] or answer["short_reason"]
    else:
        assert response.headers["content-type"] == "application/problem+json"
        assert answer["detail"]


relaxed = settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("route", ROUTES)
@relaxed
@given(body=anything | st.dictionaries(st.sampled_from(NAMES), anything, max_size=6))
def test_any_json(client: Client, route: str, body: Any) -> None:
    check(client, route, json.dumps(body).encode())


@pytest.mark.parametrize("route", ROUTES)
@relaxed
@given(body=nearly_right)
def test_nearly_right_bodies(client: Client, route: str, body: Any) -> None:
    meant = {"/v1/similar": {"seeds"}, "/v1/recommend": {"history", "user_id"}, "/v1/search": {"text"}}[route]
    others = {"seeds", "history", "user_id", "text"} - meant
    kept = {name: value for name, value in body.items() if name not in others}
    if route == "/v1/search":
        kept.pop("unknown_seeds", None)
    check(client, route, json.dumps(kept).encode())


@relaxed
@given(body=st.binary(max_size=200))
def test_any_bytes(client: Client, body: bytes) -> None:
    check(client, "/v1/similar", body)
