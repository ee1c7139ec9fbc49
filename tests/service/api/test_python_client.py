"""The Python client against the API: it knows every route, and what comes through it is what the routes answer."""

import asyncio
import inspect
import re
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import httpx
import msgspec
import numpy as np
import pytest
from litestar.testing import TestClient

from nearfield import AsyncClient, Client, ForbiddenError, GoneError, InvalidRequestError, NotFoundError
from nearfield.client.answers import Answer, Item
from nearfield.client.route import Route
from nearfield.client.routes import ROUTES
from service.app import create_app
from service.main import open_dependencies
from service.schemas.settings import Settings
from tests.copied_folders import copied
from tests.service.conftest import Client as InProcess
from tests.service.world import ODD_ID, ids_of

T = TypeVar("T")
SE: Any = {"market": "SE"}
TOKEN = "a-token"
FOLLOW = (
    "The API has changed and the Python client has not followed: bring nearfield/client/routes.py, requests.py, "
    "answers.py or operation_answers.py, and the methods of both clients (client.py, async_client.py) up to it"
)


class Through(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """What the client sends goes to an application in this process."""

    def __init__(self, service: InProcess) -> None:
        self._service: Any = service

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._service._transport.handle_request(request)  # type: ignore[no-any-return]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await asyncio.to_thread(self.handle_request, request)


def client_of(service: InProcess, token: str | None = None) -> Client:
    return Client("http://testserver.local", token=token, transport=Through(service))


def with_async(service: InProcess, work: Callable[[AsyncClient], Coroutine[Any, Any, T]]) -> T:
    async def run() -> T:
        async with AsyncClient("http://testserver.local", transport=Through(service)) as client:
            return await work(client)

    return asyncio.run(run())


# --- the document


class Document:
    """The OpenAPI document, its references followed."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._schemas = document["components"]["schemas"]
        self.operations = {
            (method.upper(), path): operation
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
            if method in {"get", "put", "post", "delete"}
        }

    def of(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The schema itself, of one that may be null the other part."""
        while True:
            if "$ref" in schema:
                schema = self._schemas[schema["$ref"].rpartition("/")[2]]
                continue
            parts = [part for part in schema.get("oneOf", schema.get("anyOf", ())) if part.get("type") != "null"]
            if len(parts) != 1:
                return schema
            schema = parts[0]

    def body(self, operation: dict[str, Any]) -> dict[str, Any]:
        """The properties of what the operation takes."""
        if "requestBody" not in operation:
            return {}
        (media,) = operation["requestBody"]["content"].values()
        schema = self.of(media["schema"])
        # One of several kinds of query, each under its name.
        parts = [self.of(part) for part in schema.get("oneOf", schema.get("anyOf", (schema,)))]
        return {name: one for part in parts for name, one in part["properties"].items()}

    def unknown(self, schema: Any, known: Any, where: str) -> list[str]:
        """Fields of a schema, at any depth, that the Struct `known` does not hold."""
        if not isinstance(schema, dict):
            # `true` or `false`: nothing is said of its fields.
            return []
        schema, known = self.of(schema), unwrapped(known)
        if schema.get("type") == "array":
            element = next((part for part in get_args(known) if part is not Ellipsis), Any)
            return self.unknown(schema["items"], element, f"{where}[]") if "items" in schema else []
        properties = schema.get("properties")
        if not properties:
            return []
        if not (isinstance(known, type) and issubclass(known, msgspec.Struct)):
            return [f"{where}: an object, known as {known}"]
        hints = get_type_hints(known)
        fields = {field.encode_name: hints[field.name] for field in msgspec.structs.fields(known)}
        missing = [f"{where}.{name}" for name in properties if name not in fields]
        for name, part in properties.items():
            if name in fields:
                missing += self.unknown(part, fields[name], f"{where}.{name}")
        return missing


def unwrapped(known: Any) -> Any:
    """A type without `None` beside it."""
    if get_origin(known) in (Union, UnionType):
        parts = [part for part in get_args(known) if part is not type(None)]
        return parts[0] if len(parts) == 1 else known
    return known


@pytest.fixture(scope="module")
def document(client: InProcess) -> Document:
    return Document(client.get("/schema/openapi.json").json())


def told(route: Route[Any]) -> str:
    return f"{route.method} {route.path}"


def test_every_route_has_its_method(document: Document) -> None:
    assert {(route.method, route.path) for route in ROUTES} == set(document.operations), FOLLOW
    for route in ROUTES:
        for kind in (Client, AsyncClient):
            assert callable(getattr(kind, route.name)), FOLLOW


@pytest.mark.parametrize("route", ROUTES, ids=told)
def test_a_route_takes_what_the_document_says(document: Document, route: Route[Any]) -> None:
    operation = document.operations[route.method, route.path]
    declared = [parameter for parameter in operation.get("parameters", ()) if parameter["in"] == "query"]
    assert set(keys_of(route.parameters)) == {parameter["name"] for parameter in declared}, FOLLOW
    taken = document.body(operation)
    assert set(keys_of(route.body)) == set(taken), FOLLOW
    for name, schema in taken.items():
        of_element = document.of(document.of(schema).get("items", schema))
        nested = of_element.get("properties")
        typed = typed_dict_in(keys_of(route.body)[name])
        if nested and typed is not None:
            assert set(keys_of(typed)) == set(nested), f"{told(route)}: {name}. {FOLLOW}"


@pytest.mark.parametrize("route", ROUTES, ids=told)
def test_an_answer_holds_every_field(document: Document, route: Route[Any]) -> None:
    operation = document.operations[route.method, route.path]
    for status in map(str, route.statuses & {int(status) for status in operation["responses"]}):
        (media,) = operation["responses"][status]["content"].values()
        assert document.unknown(media["schema"], route.answer, route.answer.__name__) == [], FOLLOW


@pytest.mark.parametrize("route", ROUTES, ids=told)
def test_the_methods_of_both_clients_take_the_same(route: Route[Any]) -> None:
    of_one, of_other = (inspect.signature(getattr(kind, route.name)) for kind in (Client, AsyncClient))
    assert of_one == of_other
    assert of_one.return_annotation is route.answer
    named = set(re.findall(r"{(\w+)}", route.path)) | set(keys_of(route.parameters)) | set(keys_of(route.body))
    taken: set[str] = set()
    for parameter in list(of_one.parameters.values())[1:]:
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            (options,) = get_args(parameter.annotation)
            taken |= set(keys_of(options))
        else:
            taken.add(parameter.name)
    assert taken == named


def keys_of(typed: Any) -> dict[str, Any]:
    return {} if typed is None else get_type_hints(typed)


def typed_dict_in(annotation: Any) -> Any:
    """The TypedDict in a type such as `Sequence[Seed]`; None where there is none."""
    if hasattr(annotation, "__required_keys__"):
        return annotation
    return next((found for part in get_args(annotation) if (found := typed_dict_in(part)) is not None), None)


# --- answers


def without_cursor(answer: Answer) -> Answer:
    return msgspec.structs.replace(answer, next_cursor=None)


def test_queries_are_answered_as_their_routes_answer(client: InProcess) -> None:
    jazz = ids_of("jazz")[8]
    bodies: dict[str, dict[str, Any]] = {
        "similar": {"seeds": [{"id": jazz}, {"id": "metal-3", "weight": -0.5}], "context": SE, "limit": 5},
        "recommend": {"history": [{"id": jazz}], "context": SE, "kinds": ["episode"], "explain": True},
        "search": {"text": "true crime", "context": SE, "mode": "lexical", "filter": {"field": "tags", "equals": "n3"}},
    }
    for name, body in bodies.items():
        # A cursor holds the time at which it was made.
        expected = without_cursor(msgspec.convert(client.post(f"/v1/{name}", json=body).json(), Answer))
        assert expected.hits
        with client_of(client) as through:
            assert without_cursor(getattr(through, name)(**body)) == expected
        awaited = with_async(client, lambda one, name=name, body=body: getattr(one, name)(**body))  # type: ignore[misc]
        assert without_cursor(awaited) == expected
    with client_of(client) as through:
        outcomes = through.batch([{"search": {"text": "jazz", "context": SE}}, {"similar": {"seeds": [{"id": "no"}]}}])
        assert [outcome.status for outcome in outcomes.outcomes] == [200, 400]
        why = through.why(jazz, search={"text": "jazz", "context": SE})
        assert (why.id, why.num_items) == (jazz, 80)


def test_an_id_may_hold_any_character(client: InProcess) -> None:
    with client_of(client) as through:
        item = through.item(ODD_ID)
        assert (item.id, item.kind) == (ODD_ID, "track")
        assert isinstance(item, Item)
        near = through.similar_to(ODD_ID, market="SE", limit=3, explicit=False, languages=["en", "it"], kinds=["track"])
        assert len(near.hits) == 3
        assert {hit.kind for hit in near.hits} == {"track"}
        with pytest.raises(ValueError, match="item_id"):
            through.item("..")


def test_fields_come_as_they_were_asked_for(client: InProcess) -> None:
    with client_of(client) as through:
        (hit,) = through.search("jazz", context=SE, limit=1, fields=["vector", "tags"]).hits
        assert (hit.title, hit.kind) == (None, None)
        assert hit.tags
        assert hit.vector
        near = through.similar([{"vector": np.array(hit.vector, np.float32), "using": "text"}], context=SE, limit=1)
        assert near.hits[0].id == hit.id
        assert through.similar_to(hit.id, market="SE", limit=1, fields=[]).hits[0].title is None


def test_what_may_be_shown_is_counted_suggested_and_listed(client: InProcess) -> None:
    blocked: Any = {"blocked_items": ["jazz-8", ODD_ID], "filter": {"field": "tags", "equals": "jazz"}}
    with client_of(client) as through:
        listed = [item for page in through.pages(through.items, market="SE", limit=7, **blocked) for item in page.items]
        ids = {item.id for item in listed}
        assert len(ids) == len(listed) > 7
        assert not ids & {"jazz-8", ODD_ID}
        context: Any = SE | {"blocked_items": blocked["blocked_items"]}
        facets = through.facets(context=context, filter=blocked["filter"], fields=["kind"])
        assert facets.count == len(listed)
        assert [(one.value, one.count) for one in facets.facets["kind"].values] == [("track", len(listed))]


def test_suggestions_come(text_client: InProcess) -> None:
    with client_of(text_client) as through:
        suggested = through.suggest("Jazz num", limit=3, kinds=["track"])
        assert len(suggested.suggestions) == 3
        assert all(one.text.startswith("Jazz number") for one in suggested.suggestions)


def test_pages_join_to_the_long_list(client: InProcess) -> None:
    with client_of(client) as through:
        whole = through.search("jazz", context=SE, mode="lexical", limit=19)
        short = [
            hit
            for page in through.pages(through.search, "jazz", context=SE, mode="lexical", limit=7)
            for hit in page.hits
        ]
        assert [hit.id for hit in short][:19] == [hit.id for hit in whole.hits]

    async def ids(one: AsyncClient) -> list[str]:
        pages = one.pages(one.search, "jazz", context=SE, mode="lexical", limit=7)
        return [hit.id async for page in pages for hit in page.hits]

    assert with_async(client, ids) == [hit.id for hit in short]


def test_a_problem_is_raised_with_its_members(client: InProcess) -> None:
    with client_of(client) as through:
        with pytest.raises(InvalidRequestError) as caught:
            through.search("jazz", context=SE, limit=1_000)
        assert caught.value.type == "urn:nearfield:problem:invalid-request"
        assert (caught.value.status, caught.value.errors[0].field) == (400, "limit")
        assert caught.value.detail in str(caught.value)
        with pytest.raises(NotFoundError):
            through.item("no such")
        with pytest.raises(ForbiddenError):
            through.releases()
        with pytest.raises(ForbiddenError):
            through.put_items([{"id": "x", "kind": "track", "title": "X", "creator": "A band"}])


@pytest.fixture
def changing(text_world: Path, tmp_path: Path) -> Iterator[InProcess]:
    """A service of its own, whose changes nobody else sees."""
    settings = Settings(data_dir=copied(text_world, tmp_path / "data"), default_market="SE", admin_token=TOKEN)
    with TestClient(create_app(open_dependencies(settings))) as service:
        yield service


def test_changes_are_made(changing: InProcess) -> None:
    with client_of(changing, TOKEN) as through:
        ready = through.ready()
        assert ready.is_ready
        assert through.live().status == "live"
        assert ready.release in {release.id for release in through.releases().releases}
        put = through.put_items([{"id": "new", "kind": "track", "title": "A new one", "creator": "A band"}])
        assert put.items == 1
        assert through.change(put.number).everywhere
        assert through.item("new").title == "A new one"
        pages = through.pages(through.search, "jazz", limit=5)
        next(pages)
        assert through.take_down("new", why="a dispute").taken_down
        with pytest.raises(NotFoundError):
            through.take_down("not there yet")
        assert through.take_down("not there yet", ahead=True).taken_down
        listed = [one for page in through.pages(through.takedowns, limit=1) for one in page.takedowns]
        assert [(one.id, one.why) for one in listed] == [("new", "a dispute"), ("not there yet", None)]
        assert not through.lift("new").taken_down
        assert through.remove_item("new").items == 1
        with pytest.raises(NotFoundError):
            through.item("new")
        assert through.put_rules('[explicit]\nunknown = "deny"\n').version
        with pytest.raises(GoneError):
            next(pages)
        assert through.activate(ready.release).live == ready.release
