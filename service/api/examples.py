"""Examples for the OpenAPI page that give hits on the release at hand."""

import time
from typing import Any

from litestar.openapi.spec import OpenAPI, OpenAPIMediaType, Operation, RequestBody

from indexing.payload.payload import Payload
from indexing.release.release import Release
from service.queries.query_kinds import KINDS

# Enough rows to meet both kinds and an item with a licence that is open.
_LOOKED_AT = 500
_NUM_ITEMS = 3
# Where the items looked at are open everywhere, any market will do.
_ANY_MARKET = "SE"


def add_examples(openapi: OpenAPI, release: Release, default_market: str | None) -> None:
    """Fill in the bodies and parameters that "Try it out" begins with."""
    payloads = [release.columns.payload(row) for row in range(min(_LOOKED_AT, len(release.columns)))]
    market = default_market or _open_market(payloads, release) or _ANY_MARKET
    open_there = [payload for payload in payloads if _is_open(payload, release, market)] or payloads
    context = {"market": market}
    items = open_there[:_NUM_ITEMS]
    bodies: dict[str, dict[str, Any]] = {
        f"/v1/{kind.name}": kind.example(items) | {"context": context, "limit": 10} for kind in KINDS
    }
    bodies["/v1/batch"] = {"queries": [{path.removeprefix("/v1/"): body} for path, body in bodies.items()]}
    bodies["/v1/items/{item_id}/why"] = {KINDS[0].name: bodies[f"/v1/{KINDS[0].name}"]}
    paths = openapi.paths or {}
    for path, body in bodies.items():
        _json_of(paths[path].post).example = body
    parameters = {"item_id": items[0].id, "market": market}
    for item in paths.values():
        for parameter in (item.get.parameters if item.get else None) or []:
            name = getattr(parameter, "name", None)
            if name in parameters:
                parameter.example = parameters[name]  # type: ignore[union-attr]


def _json_of(operation: Operation | None) -> OpenAPIMediaType:
    body = operation.request_body if operation else None
    if not isinstance(body, RequestBody):
        raise TypeError(f"expected an operation with a request body, got {operation!r}")
    return body.content["application/json"]


def _open_market(payloads: list[Payload], release: Release) -> str | None:
    now = time.time()
    for payload in payloads:
        for window in release.classes.windows_of(payload.availability_class):
            if window.market != "*" and _contains(window.from_s, window.until_s, now):
                return window.market
    return None


def _is_open(payload: Payload, release: Release, market: str) -> bool:
    now = time.time()
    return any(
        window.market in ("*", market) and _contains(window.from_s, window.until_s, now)
        for window in release.classes.windows_of(payload.availability_class)
    )


def _contains(from_s: int | None, until_s: int | None, at_s: float) -> bool:
    return (from_s is None or from_s <= at_s) and (until_s is None or at_s < until_s)
