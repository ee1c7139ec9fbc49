"""A proposed map as the TOML file that says it, each column beside its first value."""

import json
from collections.abc import Iterator
from typing import Any

from embedding.rows.column_map.declaration import Deal, Source, TableMap
from embedding.rows.rejects import shown

_DELETE = "\x7f"


def map_text(table: TableMap, examples: dict[str, Any]) -> str:
    """The map `table` of a catalogue as TOML, which `parse_map` reads back; `examples`: a value of each column."""
    return "\n".join(_lines(table, examples)) + "\n"


def _lines(table: TableMap, examples: dict[str, Any]) -> Iterator[str]:
    yield "# Which column is which field: docs/columns.md. After each, the first value that came."
    yield "[catalogue]"
    default = TableMap()
    for key in ("delimiter", "encoding", "sheet", "header_row"):
        value = getattr(table, key)
        if value != getattr(default, key):
            yield f"{key} = {_value(value)}"
    if table.drop:
        yield "# Not read. What rules or people may ask for goes under [catalogue.extra]."
        yield f"drop = {_value(table.drop)}"
    for part, sources in (("fields", table.fields), ("extra", table.extra)):
        if sources:
            yield ""
            yield f"[catalogue.{part}]"
            yield from (
                f"{_key(name)} = {_source(source)}{_example(source, examples)}" for name, source in sources.items()
            )
    for deal in table.deals:
        yield ""
        yield "# The last day is included: a window closes when that day ends in the territory."
        yield "[[catalogue.deals]]"
        yield from _deal_lines(deal)


def _deal_lines(deal: Deal) -> Iterator[str]:
    keys = {"territories": deal.territories, "except": deal.except_, "from": deal.from_, "until": deal.until}
    keys |= {"separator": deal.separator, "date": deal.date, "days": deal.days}
    yield from (f"{key} = {_value(value)}" for key, value in keys.items() if value is not None)


def _source(source: str | Source) -> str:
    if isinstance(source, str):
        return _value(source)
    keys = {name: value for name in source.__struct_fields__ if (value := getattr(source, name)) is not None}
    return f"{{ {', '.join(f'{name} = {_value(value)}' for name, value in keys.items())} }}"


def _example(source: str | Source, examples: dict[str, Any]) -> str:
    column = source if isinstance(source, str) else source.column
    return "" if column not in examples else f"  # {shown(examples[column])}"


def _key(name: str) -> str:
    return name if name.isascii() and name.replace("_", "").isalnum() else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{_key(key)} = {_value(inner)}' for key, inner in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    # TOML's basic strings are JSON's, but for one control character.
    return json.dumps(value, ensure_ascii=False).replace(_DELETE, "\\u007f")
