"""The OpenAPI document as clients' tools read it: it is valid, its examples are, and they work as they stand.

By commands and over HTTP in this process: nothing is imported of the product but its commands and the factory of its
application, nor of the other tests, so that older builds can be asked, too.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema
import pytest
from click.testing import CliRunner
from litestar import Litestar
from litestar.testing import TestClient

from service.cli import nearfield
from service.main import build_app

TOKEN = {"Authorization": "Bearer a-token"}
KINDS = ("track", "episode")
CHANGING = {
    ("put", "/v1/items"),
    ("delete", "/v1/items/{item_id}"),
    ("put", "/v1/items/{item_id}/takedown"),
    ("delete", "/v1/items/{item_id}/takedown"),
    ("get", "/v1/changes/{number}"),
    ("put", "/v1/rules"),
    ("get", "/v1/releases"),
    ("post", "/v1/releases/{release_id}/activate"),
}
Schema = dict[str, Any]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient[Litestar]]:
    """Of a release of fifteen rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("documented"))
        patch.setenv("NEARFIELD_ADMIN_TOKEN", "a-token")
        rows = [
            {"id": f"i/{number}", "kind": KINDS[number % 2], "title": f"Evening number {number}", "creator": "A band"}
            for number in range(15)
        ]
        Path("c.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        built = CliRunner().invoke(nearfield, ["index", "build", "c.jsonl", "--activate"])
        assert built.exit_code == 0, built.output
        with TestClient(build_app()) as client:
            yield client


@pytest.fixture(scope="module")
def document(client: TestClient[Litestar]) -> Schema:
    found: Schema = client.get("/schema/openapi.json").json()
    return found


def operations(document: Schema) -> Iterator[tuple[str, str, Schema]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


def body_schema(document: Schema, method: str, path: str) -> Schema:
    found: Schema = document["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"]
    return found


def faults(document: Schema, schema: Schema, value: Any) -> list[str]:
    """What a JSON Schema library has against `value`."""
    whole = {**schema, "components": document["components"]}
    return [error.message[:200] for error in jsonschema.Draft202012Validator(whole).iter_errors(value)]


def within(node: Any) -> Iterator[Any]:
    """`node` and all that is in it."""
    yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from within(inner)


def test_every_reference_leads_somewhere(document: Schema) -> None:
    told = {node["$ref"] for node in within(document) if isinstance(node, dict) and isinstance(node.get("$ref"), str)}
    assert told <= {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_example_is_what_its_schema_says(document: Schema) -> None:
    found = []
    for node in within(document):
        if isinstance(node, dict) and "schema" in node and "example" in node:
            found += faults(document, node["schema"], node["example"])
        if isinstance(node, dict) and isinstance(node.get("examples"), list):
            found += [fault for example in node["examples"] for fault in faults(document, node, example)]
    assert found == []


def test_every_body_has_an_example_that_is_answered(client: TestClient[Litestar], document: Schema) -> None:
    answered = {}
    # In an order in which a person could: a row is put before it is asked for, taken down and removed.
    for method, path, operation in sorted(operations(document), key=_order):
        parameters = operation.get("parameters", ())
        address = path
        for parameter in parameters:
            if parameter["in"] == "path":
                address = address.replace(f"{{{parameter['name']}}}", _quoted(parameter["example"]))
        query = {one["name"]: one["example"] for one in parameters if one["in"] == "query" and "example" in one}
        body = operation.get("requestBody", {"content": {"application/json": {}}})["content"]["application/json"]
        assert ("requestBody" in operation) == ("example" in body), (method, path)
        content = json.dumps(body["example"]) if "example" in body else None
        response = client.request(
            method, address, params=query, content=content, headers={**TOKEN, "Content-Type": "application/json"}
        )
        answered[method, path] = response.status_code
        told = operation["responses"].get(str(response.status_code))
        assert told is not None, (method, path, response.status_code, response.text)
        (media,) = (media for name, media in told["content"].items() if name in response.headers["content-type"])
        assert faults(document, media["schema"], response.json()) == []
    assert set(answered.values()) == {200}, answered


def _order(operation: tuple[str, str, Schema]) -> tuple[int, str]:
    method, path, _ = operation
    last = {"/v1/rules": 2, "/v1/items/{item_id}": 3}.get(path, 1)
    return (0 if (method, path) == ("put", "/v1/items") else last if method in ("put", "delete") else 1), method


def _quoted(value: Any) -> str:
    return quote(str(value), safe="")


QUERY = {"seeds": [{"id": "a"}], "context": {"market": "SE"}}


@pytest.mark.parametrize(
    ("fields", "is_allowed"),
    [
        ({"exclude": ["a"]}, True),
        ({"exclude": [1]}, False),
        ({"exclude": "a"}, False),
        ({"context": {"market": "SE", "blocked_items": ["a"], "blocked_creators": ["A band"]}}, True),
        ({"context": {"market": "SE", "blocked_creators": [{}]}}, False),
        ({"context": {"market": "Sweden"}}, False),
        ({"seeds": [{"id": "a", "weight": 2}]}, True),
        ({"seeds": [{"name": "a"}]}, False),
        ({"seeds": []}, False),
        ({"limit": 0}, False),
        ({"limt": 5}, False),
        ({"filter": {"field": "kind", "one_of": ["track"]}}, True),
        ({"filter": {"field": "kind", "one_of": ["song"]}}, False),
        ({"filter": {"field": "kind", "equals": "track", "one_of": ["track"]}}, False),
        ({"filter": {"all": [{"none": [{"field": "duration_s", "range": {"lt": 300}}]}]}}, True),
        ({"filter": {"all": [{"none": [{"field": "duration_s", "range": {"below": 300}}]}]}}, False),
        ({"filter": {"all": [{"any": [{"feld": "kind", "equals": "track"}]}]}}, False),
        ({"filter": {"all": []}}, False),
        ({"filter": {"published_at": "2024"}}, False),
    ],
)
def test_the_schema_of_a_query_says_what_the_service_does(
    client: TestClient[Litestar], document: Schema, fields: Schema, is_allowed: bool
) -> None:
    query = {**QUERY, **fields}
    answer = client.post("/v1/similar", json=query).json()
    assert (answer["type"] != "urn:nearfield:problem:invalid-request") == is_allowed, answer
    assert (faults(document, body_schema(document, "post", "/v1/similar"), query) == []) == is_allowed
    batch = {"queries": [{"similar": query}]}
    assert (faults(document, body_schema(document, "post", "/v1/batch"), batch) == []) == is_allowed


@pytest.mark.parametrize(
    ("fields", "is_allowed"),
    [
        ({}, True),
        ({"published_at": "2024-05-31", "min_age": 18, "tags": ["jazz"], "extra": {"bpm": 120, "mood": "calm"}}, True),
        ({"availability": [{"market": "SE", "from": "2024-05-31T18:00:00Z"}]}, True),
        ({"chapters": [{"start_s": 0, "title": "Intro"}]}, True),
        ({"title": " "}, False),
        ({"kind": "song"}, False),
        ({"creator": None}, False),
        ({"published_at": "31.5.2024"}, False),
        ({"availability": [{"market": "Sweden"}]}, False),
        ({"availability": [{"until": "2031-01-01"}]}, False),
        ({"artist": "A band"}, False),
        ({"extra": {"mood": ["calm"]}}, False),
    ],
)
def test_the_schema_of_a_row_says_what_the_service_does(
    client: TestClient[Litestar], document: Schema, fields: Schema, is_allowed: bool
) -> None:
    rows = {"items": [{"id": "new", "kind": "track", "title": "A title", "creator": "A band", **fields}]}
    response = client.put("/v1/items", json=rows, headers=TOKEN)
    assert (response.status_code == 200) == is_allowed, response.text
    assert (faults(document, body_schema(document, "put", "/v1/items"), rows) == []) == is_allowed


def test_the_token_is_asked_for_exactly_where_it_is_needed(client: TestClient[Litestar], document: Schema) -> None:
    told = {(method, path) for method, path, operation in operations(document) if operation.get("security")}
    assert told >= CHANGING
    (scheme,) = document["components"]["securitySchemes"].values()
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    for method, path, operation in operations(document):
        address = path.replace("{number}", "1")
        refused = client.request(method, address, json={} if "requestBody" in operation else None).status_code == 403
        assert refused == ((method, path) in told), (method, path)


def test_operations_are_called_as_a_person_would(document: Schema) -> None:
    names = {f"{method} {path}": operation["operationId"] for method, path, operation in operations(document)}
    assert names["post /v1/similar"] == "similar"
    assert names["post /v1/recommend"] == "recommend"
    assert names["post /v1/search"] == "search"
    assert names["get /v1/items/{item_id}"] == "get_item"
    assert names["put /v1/items"] == "put_items"
    assert names["get /v1/releases"] == "list_releases"
    assert len(set(names.values())) == len(names)
    assert all(name == name.lower() and name.isidentifier() for name in names.values()), names


def test_answers_that_say_when_to_try_again_tell_so(document: Schema) -> None:
    told = document["paths"]["/v1/similar"]["post"]["responses"]["503"]
    assert "Retry-After" in told.get("headers", {})


def test_all_methods_of_an_address_are_told(client: TestClient[Litestar], document: Schema) -> None:
    for path, item in document["paths"].items():
        allowed = client.options(path.replace("{number}", "1")).headers["allow"].lower().split(", ")
        assert set(item) <= set(allowed), path
