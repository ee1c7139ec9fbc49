"""Every failure is one RFC 9457 problem that says what was expected, what came and what to do."""

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from indexing.errors import StoreError
from service.api.problem_handlers import PROBLEM_HANDLERS
from service.api.request_body import MAX_BODY_BYTES
from service.app import create_app
from service.main import open_dependencies
from service.schemas.problems import KINDS
from service.schemas.settings import Settings
from tests.copied_folders import copied
from tests.service.conftest import Client
from tests.service.engine_plans import ask_the_engine

SEEDS = [{"id": "metal-1"}]
SE = {"market": "SE"}


def problem(response: Any, slug: str) -> dict[str, Any]:
    """The problem in a response, which must be of this kind and of the one shape."""
    status, title = KINDS[slug]  # type: ignore[index]
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert (
        {"type", "title", "status", "detail"}
        <= body.keys()
        <= {"type", "title", "status", "detail", "errors", "incident"}
    )
    assert (body["type"], body["title"], body["status"]) == (f"urn:nearfield:problem:{slug}", title, status)
    assert len(body["detail"]) > 20
    assert isinstance(body, dict)
    return body


def field_error(response: Any, field: str) -> dict[str, str]:
    errors = problem(response, "invalid-request")["errors"]
    return next(error for error in errors if error["field"] == field)


@pytest.mark.parametrize(
    ("body", "field", "expected", "came"),
    [
        ({"seeds": SEEDS, "limit": 0}, "limit", "int >= 1", "0"),
        ({"seeds": SEEDS, "limit": 10_000}, "limit", "int <= 100", "10000"),
        ({"seeds": SEEDS, "limit": "10"}, "limit", "int", '"10"'),
        ({"seeds": SEEDS, "limit": None}, "limit", "int", "null"),
        ({"seeds": []}, "seeds", "array of length >= 1", "[]"),
        ({"seeds": SEEDS * 101}, "seeds", "array of length <= 100", None),
        ({"seeds": [{"id": "metal-1", "weight": "much"}]}, "seeds[0].weight", "float", '"much"'),
        ({"seeds": [{"id": "metal-1", "weight": 1e7}]}, "seeds[0].weight", "float <= 1000000.0", "10000000.0"),
        ({"seeds": [{"id": ""}]}, "seeds[0].id", "str of length >= 1", '""'),
        ({"seeds": SEEDS, "kinds": ["song"]}, "kinds[0]", "one of 'episode', 'track'", '"song"'),
        ({"seeds": SEEDS, "kinds": []}, "kinds", "array of length >= 1", "[]"),
        ({"seeds": SEEDS, "unknown_seeds": "drop"}, "unknown_seeds", "one of 'error', 'skip'", '"drop"'),
        ({"seeds": SEEDS, "context": {"age": -1}}, "context.age", "int >= 0", "-1"),
        ({"seeds": SEEDS, "context": {"explicit": "no"}}, "context.explicit", "bool | null", '"no"'),
        ({"seeds": SEEDS, "context": []}, "context", "object", "[]"),
        (
            {"seeds": SEEDS, "context": {"languages": ["e n"]}},
            "context.languages[0]",
            "a language range such as en or en-US, or *",
            '"e n"',
        ),
    ],
)
def test_a_field_out_of_its_limits(client: Client, body: Any, field: str, expected: str, came: str | None) -> None:
    error = field_error(client.post("/v1/similar", json={"context": SE} | body), field)
    assert error["expected"] == expected
    if came is not None:
        assert error["came"] == came


@pytest.mark.parametrize(
    ("market", "meant"), [("se", "SE"), ("UK", "GB"), ("*", None), ("Sweden", None), ("SE\n", "SE"), ("", None)]
)
def test_a_market_that_is_none(client: Client, market: str, meant: str | None) -> None:
    error = field_error(
        client.post("/v1/similar", json={"seeds": SEEDS, "context": {"market": market}}), "context.market"
    )
    assert error["came"] == json.dumps(market)
    assert ("did you mean" in error["expected"]) == (meant is not None)
    if meant:
        assert f"did you mean {meant}?" in error["expected"]


def test_a_missing_market_is_asked_for(client: Client, text_client: Client) -> None:
    error = field_error(client.post("/v1/similar", json={"seeds": SEEDS}), "context.market")
    assert "default market" in error["expected"]
    assert field_error(client.get("/v1/items/metal-1/similar"), "market")
    assert text_client.get("/v1/items/metal-1/similar").status_code == 200


@pytest.mark.parametrize("at", ["yesterday", "2024-13-01", "1717178400", "2024-05-31T25:00:00Z", ""])
def test_a_time_that_is_none(client: Client, at: str) -> None:
    error = field_error(client.post("/v1/similar", json={"seeds": SEEDS, "context": SE | {"at": at}}), "context.at")
    assert "2024-05-31T18:00:00Z" in error["expected"]


@pytest.mark.parametrize(
    ("body", "field", "near"),
    [
        ({"seeds": SEEDS, "limits": 3}, "limits", "did you mean limit?"),
        ({"seeds": [{"id": "metal-1", "wieght": 3}]}, "seeds[0].wieght", "did you mean weight?"),
        ({"seeds": SEEDS, "context": SE | {"marekt": "SE"}}, "context.marekt", "did you mean market?"),
        (
            {"seeds": SEEDS, "volume": "x"},
            "volume",
            "one of context, cursor, exclude, ",
        ),
    ],
)
def test_an_unknown_field_is_named_with_its_neighbours(client: Client, body: Any, field: str, near: str) -> None:
    assert near in field_error(client.post("/v1/similar", json={"context": SE} | body), field)["expected"]


def test_a_missing_field_is_named(client: Client) -> None:
    assert "required" in field_error(client.post("/v1/similar", json={"context": SE}), "seeds")["expected"]


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", "/v1/items/metal-1/similar?market=SE&langages=en"),
        ("GET", "/v1/items/metal-1?langages=en"),
        ("POST", "/v1/similar?langages=en"),
        ("GET", "/health/live?langages=en"),
        ("GET", "/health/ready?langages=en"),
        ("GET", "/schema?langages=en"),
        ("GET", "/schema/openapi.json?langages=en"),
        ("GET", "/schema/assets/swagger-ui.css?langages=en"),
    ],
)
def test_an_unknown_parameter_is_refused_on_every_route(client: Client, method: str, url: str) -> None:
    error = field_error(client.request(method, url, json={"seeds": SEEDS} if method == "POST" else None), "langages")
    assert error["came"] == '"langages"'
    if "similar?market" in url:
        assert "did you mean languages?" in error["expected"]


def test_a_whole_number_may_be_written_as_a_float(client: Client) -> None:
    query = {"seeds": [{"id": "metal-1"}], "context": {"market": "SE", "age": 30.0}, "limit": 3.0}
    assert len(client.post("/v1/similar", json=query).json()["hits"]) == 3
    filtered = query | {"filter": {"field": "min_age", "range": {"gte": 18.0}}}
    assert [hit["id"] for hit in client.post("/v1/similar", json=filtered).json()["hits"]] == ["jazz-4"]
    (outcome,) = client.post("/v1/batch", json={"queries": [{"similar": query}]}).json()["outcomes"]
    assert len(outcome["answer"]["hits"]) == 3
    assert field_error(client.post("/v1/similar", json=query | {"limit": 3.5}), "limit")["came"] == "3.5"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=10000", "limit"),
        ("limit=many", "limit"),
        ("explicit=maybe", "explicit"),
        ("kinds=song", "kinds[0]"),
        ("languages=e%20n", "languages[0]"),
        ("languages=", "languages[0]"),
        ("at=now", "at"),
        ("limit=3&limit=4", "limit"),
    ],
)
def test_a_parameter_out_of_its_limits(client: Client, query: str, field: str) -> None:
    assert field_error(client.get(f"/v1/items/metal-1/similar?market=SE&{query}"), field)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"seeds": [{"id": "\xff"}]}',
        b'{"seeds": [{"id": "x", "weight": NaN}]}',
        b'"\\ud800"',
        b"{}{}",
    ],
)
def test_a_body_that_is_no_json(client: Client, body: bytes) -> None:
    response = client.post("/v1/similar", content=body, headers={"content-type": "application/json"})
    assert response.json()["type"].rpartition(":")[2] in {"malformed-json", "invalid-request"}
    assert response.status_code == 400


def test_a_number_too_large_for_a_float(client: Client) -> None:
    body = b'{"seeds": [{"id": "x", "weight": 1e999}]}'
    assert field_error(client.post("/v1/similar", content=body), "seeds[0].weight")


def test_nesting_without_end(client: Client) -> None:
    for body in (b'{"seeds":' + b"[" * 100_000, b'{"nope":' + b'{"a":' * 50_000, b"[" * 400_000):
        assert client.post("/v1/similar", content=body).status_code == 400


def test_a_body_too_large(client: Client) -> None:
    problem(client.post("/v1/similar", content=b" " * (MAX_BODY_BYTES + 1)), "body-too-large")
    fits = client.post("/v1/similar", content=b'{"seeds": []}' + b" " * (MAX_BODY_BYTES - 13))
    assert fits.status_code == 400


@pytest.mark.parametrize(
    "media_type", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"]
)
def test_a_body_of_another_type(client: Client, media_type: str) -> None:
    response = client.post("/v1/similar", content=b"{}", headers={"content-type": media_type})
    assert "application/json" in problem(response, "unsupported-media-type")["detail"]


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "application/vnd.api+json", None])
def test_a_body_of_json_by_any_name(client: Client, media_type: str | None) -> None:
    headers = {"content-type": media_type} if media_type else {}
    body = json.dumps({"seeds": SEEDS, "context": SE}).encode()
    assert client.post("/v1/similar", content=body, headers=headers).status_code == 200


def test_unknown_items(client: Client) -> None:
    for address in ("/v1/items/nope", "/v1/items/nope/similar?market=SE", "/v1/items/metal-1%2Fsimilar"):
        assert "Ids are compared as they are" in problem(client.get(address), "unknown-item")["detail"]
    assert field_error(client.get("/v1/items/%FF"), "id")["came"] == '"%FF"'


@pytest.mark.parametrize("address", ["/nope", "/v1", "/v1/items/a/b", "/schema/nope", "/schema/assets/nope"])
def test_unknown_addresses(client: Client, address: str) -> None:
    problem(client.get(address), "unknown-route")


def test_methods_that_an_address_does_not_take(client: Client) -> None:
    response = client.get("/v1/similar")
    assert "POST" in problem(response, "method-not-allowed")["detail"]
    assert "POST" in response.headers["allow"]
    problem(client.patch("/v1/items/metal-1"), "method-not-allowed")
    assert "PUT" in problem(client.patch("/v1/items/"), "method-not-allowed")["detail"]


@pytest.fixture
def failing(text_world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Client, Any]]:
    """A service whose engine raises what the test puts there."""
    data_dir = tmp_path / "world"
    copied(text_world, data_dir)
    ask_the_engine(data_dir)
    parts = open_dependencies(Settings(data_dir=data_dir, default_market="SE"))
    error: list[Exception] = []

    async def fail(*_: Any, **__: Any) -> None:
        raise error[0]

    with TestClient(create_app(parts)) as client:
        monkeypatch.setattr(parts.store, "nearest", fail)
        yield client, error


def test_a_failing_engine_is_503_and_logged(failing: Any, caplog: pytest.LogCaptureFixture) -> None:
    client, error = failing
    error.append(StoreError("connection to 10.0.0.7 refused"))
    response = client.get("/v1/items/metal-1/similar")
    told = problem(response, "store-unavailable")
    assert response.headers["retry-after"] == "5"
    assert "10.0.0.7" not in response.text
    assert told["incident"] in caplog.text
    assert "10.0.0.7" in caplog.text


def test_a_fault_of_ours_tells_nothing_of_the_inside(failing: Any, caplog: pytest.LogCaptureFixture) -> None:
    client, error = failing
    error.append(KeyError("secret"))
    told = problem(client.get("/v1/items/metal-1/similar"), "internal-error")
    assert "secret" not in json.dumps(told)
    assert told["incident"] in caplog.text
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "KeyError: 'secret'" in caplog.text


def test_framework_failures_are_problems_too(client: Client) -> None:
    assert Exception in PROBLEM_HANDLERS
    response = client.get("/health/live", headers={"host": "b@d host"})
    assert problem(response, "invalid-request")["detail"].startswith("GET /health/live")


def test_every_kind_of_problem_is_in_the_docs() -> None:
    page = (Path(__file__).parents[3] / "docs" / "api.md").read_text("utf-8")
    listed = dict(re.findall(r"^\| `([a-z-]+)` \| (\d{3}) \|", page, flags=re.MULTILINE))
    assert listed == {slug: str(status) for slug, (status, _) in KINDS.items()}
