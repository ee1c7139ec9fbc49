"""The JSON Schema of a posted catalogue row: its fields as written, with what the parser checks beyond their types."""

import re
from typing import Any

import msgspec

from embedding.rows.catalogue_fields import EXPECTED_FIELDS, RawItem
from embedding.rows.markets import EVERYWHERE_CODE, MARKETS, is_market
from embedding.rows.schema import Id, LanguageTag
from embedding.rows.times import TIME_PATTERN

Schema = dict[str, Any]

_NULL: Schema = {"type": "null"}
_TIME: Schema = {"type": "string", "pattern": TIME_PATTERN}
_READABLE: Schema = {"pattern": r"\S"}
_REQUIRED = ("id", "kind", "title", "creator")
_NAMES = {"RawItem": "CatalogueRow", "RawWindow": "LicenceWindow", "RawChapter": "Chapter"}


def row_schemas() -> dict[str, Schema]:
    """The components `CatalogueRow`, `LicenceWindow` and `Chapter`."""
    _, raw = msgspec.json.schema_components((RawItem,), ref_template="{name}")
    made = {_NAMES[name]: _renamed(schema, _NAMES[name]) for name, schema in raw.items()}
    row, window, chapter = made["CatalogueRow"], made["LicenceWindow"], made["Chapter"]
    fields = row["properties"]
    (id_pattern,) = _pattern(Id)
    text_id = _not_null(fields["id"])["anyOf"][0]
    text_id["pattern"] = rf"^(?!\.\.?$){id_pattern.removeprefix('^')}"
    fields["id"] = {"anyOf": [text_id, {"type": "integer"}]}
    fields["kind"] = _not_null(fields["kind"])
    fields["title"] = _not_null(fields["title"]) | _READABLE
    fields["creator"] = _not_null(fields["creator"]) | _READABLE
    fields["album"] = _nullable(_not_null(fields["album"]) | _READABLE)
    for name in ("creators", "tags"):
        words = _not_null(fields[name])
        fields[name] = _nullable(words | {"items": _nullable(_not_null(words["items"]) | _READABLE)})
    fields["language"] = _nullable({"type": "string", "maxLength": 35, "pattern": _pattern(LanguageTag)[0]})
    fields["published_at"] = _nullable(_TIME)
    fields["min_age"] = _nullable({"type": "integer", "minimum": 0, "maximum": 120})
    # A list of nulls alone says nothing of where the item is open.
    windows = _not_null(fields["availability"])
    fields["availability"] = _nullable(windows | {"minItems": 1, "contains": {"type": "object"}})
    for name, schema in fields.items():
        schema["description"] = _told(name)
    row["required"] = list(_REQUIRED)
    row["description"] = "A catalogue row as a file has it; null and left out are the same (docs/rows.md)."
    codes = sorted(code for code in MARKETS if is_market(code))
    window["properties"]["market"] = {"enum": [EVERYWHERE_CODE, *codes]}
    window["properties"] |= {"from": _nullable(_TIME), "until": _nullable(_TIME)}
    window["required"] = ["market"]
    window["description"] = "Open in `market` (`*`: everywhere) from `from` until before `until`, which is later."
    chapter["properties"]["title"] = _not_null(chapter["properties"]["title"]) | _READABLE
    chapter["properties"]["start_s"] = _not_null(chapter["properties"]["start_s"])
    chapter["required"] = ["start_s", "title"]
    chapter["description"] = "Where it begins, not before the chapter above it, and its title."
    for schema in made.values():
        for field in schema["properties"].values():
            field.pop("default", None)
    return made


def _told(name: str) -> str:
    expected = EXPECTED_FIELDS[name]
    told = str(expected if isinstance(expected, str) else expected(None))
    return told[:1].upper() + told[1:]


def _pattern(annotation: Any) -> list[str]:
    return [meta.pattern for meta in annotation.__metadata__ if meta.pattern is not None]


def _renamed(schema: Any, title: str) -> Any:
    text = msgspec.json.encode(schema).decode()
    for name, ours in _NAMES.items():
        text = re.sub(rf'"\$ref":"{name}"', f'"$ref":"#/components/schemas/{ours}"', text)
    return msgspec.json.decode(text) | {"title": title}


def _not_null(schema: Schema) -> Schema:
    """The schema without null."""
    kept = [part for part in schema["anyOf"] if part != _NULL]
    return kept[0] if len(kept) == 1 else {"anyOf": kept}


def _nullable(schema: Schema) -> Schema:
    return {"anyOf": [schema, _NULL]}
