"""The JSON Schema of a posted filter: what `indexing.filters.posted` takes, each field with what may be asked of it."""

from collections.abc import Mapping
from typing import Any, get_args

from embedding.rows.languages import MAX_RANGE, RANGE_PATTERN
from embedding.rows.schema import Kind
from embedding.rows.times import TIME_PATTERN
from indexing.filters.posted import FIELDS, JOINS, MAX_CHARACTERS, MAX_CONDITIONS, MAX_DEPTH, MAX_VALUES, MOST_NUMBER
from indexing.filters.posted import Posted as PostedFilter
from indexing.payload.payload import MOST_INTEGER, FieldType
from service.schemas.requests import component

Schema = dict[str, Any]

_KEYWORD: Schema = {"type": "string", "minLength": 1, "maxLength": MAX_CHARACTERS}
_INTEGER: Schema = {"type": "integer", "minimum": -MOST_INTEGER, "maximum": MOST_INTEGER}
_NUMBER: Schema = {"type": "number", "minimum": -MOST_NUMBER, "maximum": MOST_NUMBER}
_VALUES: dict[str, Schema] = {
    "kind": {"enum": list(get_args(Kind))},
    "tags": _KEYWORD,
    "language": {"type": "string", "pattern": RANGE_PATTERN, "maxLength": MAX_RANGE},
    "creators": _KEYWORD,
    "explicit": {"type": "boolean"},
    "min_age": _INTEGER,
    "duration_s": _NUMBER,
    "published_at": {"type": "string", "pattern": TIME_PATTERN},
}
_EXTRA: dict[FieldType, Schema] = {"keyword": _KEYWORD, "integer": _INTEGER, "float": _NUMBER}
_JOINED = {"all": "Every one of them.", "any": "At least one of them.", "none": "Not one of them."}


def filter_schema(extra: Mapping[str, FieldType]) -> Schema:
    """The schema, which refers to itself as the component `Filter`; `extra`: the declared fields, by name."""
    values = {name: _VALUES[name] for name in FIELDS}
    values |= {f"extra.{name}": _EXTRA[field_type] for name, field_type in extra.items()}
    asks = PostedFilter(extra).asks
    return {
        "title": "Filter",
        "description": f"What an item must be; nested at most {MAX_DEPTH} deep, with at most {MAX_CONDITIONS} "
        "conditions in all. An item without a field fulfils no condition on it.",
        "oneOf": [
            *(_join(name) for name in JOINS),
            *(_condition(name, asks[name], value) for name, value in values.items()),
        ],
    }


def _join(name: str) -> Schema:
    some = {"type": "array", "minItems": 1, "items": component("Filter"), "description": _JOINED[name]}
    return _closed({name: some}, [name], name)


def _condition(name: str, asks: tuple[str, ...], value: Schema) -> Schema:
    bound = dict.fromkeys(("gt", "gte", "lt", "lte"), value)
    told: dict[str, Schema] = {
        "equals": value,
        "one_of": {"type": "array", "minItems": 1, "maxItems": MAX_VALUES, "items": value},
        "range": _closed(bound, [], "range") | {"minProperties": 1},
    }
    asked = {"field": {"const": name}} | {ask: told[ask] for ask in asks}
    if len(asks) == 1:
        return _closed(asked, ["field", *asks], name)
    # The field, and one thing asked of it.
    return _closed(asked, ["field"], name) | {"minProperties": 2, "maxProperties": 2}


def _closed(properties: dict[str, Schema], required: list[str], title: str) -> Schema:
    return {
        "title": title,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
