"""The schemas of the OpenAPI document: of the types of bodies and answers, and of what no type says whole.

Those of types are as msgspec reads and writes them.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from indexing.rules.declaration import RuleSet
from service.api.openapi.filter_schema import filter_schema
from service.api.openapi.row_schema import row_schemas
from service.queries.query_kinds import KINDS
from service.schemas.browsing import FacetsRequest
from service.schemas.requests import component

Schema = dict[str, Any]

# What an annotation may say beside a reference; all else is said where it points to.
_BESIDE_REFERENCE = {"$ref", "description", "examples", "default"}


def schemas(types: Iterable[type[Any]], ruleset: RuleSet, *, needs_market: bool) -> dict[str, Schema]:
    """The document's components by name: of `types` and all that they are made of, under the rules in force.

    `needs_market`: whether each request must name one, as there is no default.
    """
    _, made = msgspec.json.schema_components(
        list(dict.fromkeys((*types, *(kind.request for kind in KINDS)))), ref_template="#/components/schemas/{name}"
    )
    made |= row_schemas()
    made["Filter"] = filter_schema({name: extra.type for name, extra in ruleset.extra.items()})
    made["Switches"] = {
        "title": "Switches",
        "type": "object",
        "properties": {name: {"type": "boolean"} for name in sorted(ruleset.switches)},
        "additionalProperties": False,
    }
    made["OneQuery"] = _one_query()
    made["Seed"] = _seed(made["Seed"])
    # Whom it is for must be said.
    made["RecommendRequest"]["not"] = {"properties": {"user_id": {"type": "null"}, "history": {"type": "null"}}}
    made["Mix"]["not"] = {"properties": {"track": {"const": 0}, "episode": {"const": 0}}}
    if needs_market:
        _require(made["Context"], "market")
        requests: list[type[Any]] = [*(kind.request for kind in KINDS), FacetsRequest]
        for request in requests:
            _require(made[request.__name__], "context")
    return {name: _plain(schema) for name, schema in sorted(made.items())}


def _one_query() -> Schema:
    return {
        "title": "OneQuery",
        "description": "One query, the body of its route under the route's name.",
        "oneOf": [
            {
                "title": kind.name,
                "type": "object",
                "properties": {kind.name: component(kind.request.__name__)},
                "required": [kind.name],
                "additionalProperties": False,
            }
            for kind in KINDS
        ],
    }


def _seed(seed: Schema) -> Schema:
    """Of an item, or of a vector, of which there may be several spaces."""
    fields, null = seed["properties"], {"type": "null"}
    given = {name: _not_null(field) for name, field in fields.items() if name in ("id", "vector")}
    kinds = {
        "SeedItem": ("id", {**fields, "id": given["id"], "vector": null, "using": null}),
        "SeedVector": ("vector", {**fields, "id": null, "vector": given["vector"]}),
    }
    told = {name: seed[name] for name in ("title", "description")}
    return told | {
        "oneOf": [
            {**seed, "title": title, "properties": properties, "required": [name]}
            for title, (name, properties) in kinds.items()
        ]
    }


def _not_null(field: Schema) -> Schema:
    """The field where it must be given."""
    kept = {key: value for key, value in field.items() if key != "default"}
    if "anyOf" in kept:
        kept["anyOf"] = [part for part in kept["anyOf"] if part != {"type": "null"}]
    return kept


def _require(schema: Schema, name: str) -> None:
    schema["required"] = [*schema.get("required", ()), name]
    schema["properties"][name] = _not_null(schema["properties"][name])


def _plain(schema: Any) -> Any:
    """The schema with references that stand alone, but for what is told of them."""
    if isinstance(schema, list):
        return [_plain(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(schema.get("$ref"), str):
        return {key: value for key, value in schema.items() if key in _BESIDE_REFERENCE}
    return {key: _plain(value) for key, value in schema.items()}
