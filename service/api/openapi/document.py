"""The OpenAPI document: the routes as the framework lists them, with the schemas of what they really read and write."""

from collections.abc import Iterator
from typing import Any

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from litestar.types import Method
from msgspec import Struct

from service.api.openapi.examples import Examples, examples
from service.api.openapi.schemas import schemas
from service.api.route_docs import ProblemSpec
from service.queries.release_router import ReleaseRouter

Schema = dict[str, Any]

# The scopes of routes that take the admin token.
_WITH_TOKEN = frozenset({"admin", "write"})
_SCHEME = "adminToken"
_SECURITY: Schema = {
    _SCHEME: {"type": "http", "scheme": "bearer", "description": "The setting `admin_token` (NEARFIELD_ADMIN_TOKEN)."}
}
_RETRY_AFTER: Schema = {
    "Retry-After": {
        "description": "Seconds after which it is worth another try; left out where none would help.",
        "schema": {"type": "integer", "minimum": 0},
    }
}
# What the framework writes of every parameter and operation, and what nobody needs to be told.
_NOT_TOLD = ("deprecated", "allowEmptyValue", "allowReserved")


class _Route(Struct, frozen=True):
    path: str
    method: Method
    handler: HTTPRouteHandler


class Document:
    """The document for the live release, under the rules in force: these say which switches and fields there are."""

    def __init__(self, router: ReleaseRouter, default_market: str | None) -> None:
        self._router, self._default_market = router, default_market
        self._made: tuple[str, Schema] | None = None

    def of(self, app: Litestar) -> Schema:
        """The document of this application's routes."""
        rules = self._router.live_release.rules
        if self._made is None or self._made[0] != rules.version:
            self._made = rules.version, self._make(app)
        return self._made[1]

    def _make(self, app: Litestar) -> Schema:
        document = app.openapi_schema.to_schema()
        live = self._router.live_release
        needs_market = self._default_market is None
        told = examples(live.release, self._default_market)
        routes = list(_routes(app))
        for route in routes:
            operation = document["paths"][route.path][route.method.lower()]
            _complete(operation, route, told)
            for parameter in operation.get("parameters", ()):
                parameter["required"] |= parameter["name"] == "market" and needs_market
        document["components"] = {
            "schemas": schemas(
                [found for route in routes for found in _types(route.handler)],
                live.rules.ruleset,
                needs_market=needs_market,
            ),
            "securitySchemes": _SECURITY,
        }
        return document


def _routes(app: Litestar) -> Iterator[_Route]:
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in route.route_handler_map.items():
                if handler.resolve_include_in_schema():
                    yield _Route(route.path_format, method, handler)


def _types(handler: HTTPRouteHandler) -> Iterator[type[Any]]:
    """The Structs of a route's body and answers."""
    signature = handler.parsed_fn_signature
    body = signature.parameters.get("data")
    found = [field.annotation for field in signature.return_type.inner_types]
    found += [spec.data_container for spec in (handler.responses or {}).values()]
    found += [] if body is None else [body.annotation]
    return (annotation for annotation in found if isinstance(annotation, type) and issubclass(annotation, Struct))


def _complete(operation: Schema, route: _Route, told: Examples) -> None:
    """Add to an operation what the framework does not know of it."""
    _tell_less(operation)
    changes = route.handler.opt.get("scope") in _WITH_TOKEN
    if changes:
        operation["security"] = [{_SCHEME: []}]
    for status, spec in (route.handler.responses or {}).items():
        if isinstance(spec, ProblemSpec) and spec.can_be_retried:
            operation["responses"][str(status)]["headers"] = _RETRY_AFTER
    if "requestBody" in operation and route.path in told.bodies:
        operation["requestBody"]["content"]["application/json"]["example"] = told.bodies[route.path]
    parameters = told.changed if changes else told.asked
    for parameter in operation.get("parameters", ()):
        _tell_less(parameter)
        parameter["schema"] = _parameter_schema(parameter)
        if parameter["name"] in parameters:
            parameter["example"] = parameters[parameter["name"]]


def _tell_less(of: Schema) -> None:
    for name in _NOT_TOLD:
        of.pop(name, None)


def _parameter_schema(parameter: Schema) -> Schema:
    """Its schema without null, which no address can say, and without what the parameter says itself."""
    schema = {key: value for key, value in parameter["schema"].items() if key != "description"}
    if "oneOf" in schema:
        (given,) = (part for part in schema.pop("oneOf") if part != {"type": "null"})
        schema = given | schema
    if parameter["in"] == "path" and schema.get("type") == "string":
        schema.setdefault("minLength", 1)
    return schema
