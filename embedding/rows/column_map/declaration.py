"""What a map file says: which column each field is read from, and how; docs/columns.md has a line for each key."""

import difflib
import re
import tomllib
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct, field

from embedding.errors import NotFoundError, UsageError
from embedding.rows.layout import Layout

Unit = Literal["s", "ms", "min", "m:s", "h:m:s"]
_UNKNOWN = re.compile(r"unknown field `(.*?)`")
StructT = TypeVar("StructT", bound=Struct)


class Source(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a field comes from: a `column`, converted as the other keys say, or a `constant`.

    `empty`: words that mean that there is no value.
    """

    column: str | None = None
    constant: str | int | float | bool | list[str] | None = None
    separator: str | None = None
    unit: Unit | None = None
    date: str | None = None
    values: dict[str, str | int | float | bool] | None = None
    type: Literal["text", "number"] | None = None
    empty: list[str] | None = None

    def __post_init__(self) -> None:
        """ValueError for keys that do not go together."""
        if (self.column is None) == (self.constant is None):
            raise ValueError("expected either a column or a constant")
        others = (self.separator, self.unit, self.date, self.values, self.type, self.empty)
        if self.constant is not None and any(other is not None for other in others):
            raise ValueError("expected nothing beside a constant")
        if self.separator == "":
            raise ValueError("expected a separator of one character or more, got an empty one")
        if self.values is not None and not self.values:
            raise ValueError("expected a word at least in values, got none")
        words = [word.strip().casefold() for word in (*(self.values or ()), *(self.empty or ()))]
        twice = next((word for word in words if words.count(word) > 1), None)
        if twice is not None:
            raise ValueError(
                f"expected each word of values and empty once, whatever its letter case, got {twice!r} twice"
            )


class Deal(Struct, frozen=True, forbid_unknown_fields=True):
    """Columns that say where and when a row is licensed: `territories`, those left out of them, first and last day.

    `days`: whose days these are: of the territory itself, or of an IANA time zone.
    """

    territories: str
    except_: str | None = field(default=None, name="except")
    from_: str | None = field(default=None, name="from")
    until: str | None = None
    separator: str = ";"
    date: str | None = None
    days: str = "territory"


class TableMap(Struct, frozen=True, forbid_unknown_fields=True):
    """How the columns of one table become fields. A column whose name is a field's, and of which nothing is said, is
    that field; `drop`: columns that are not read."""

    delimiter: str = ","
    encoding: str = "utf-8"
    sheet: str | None = None
    header_row: int | None = None
    drop: list[str] = []
    fields: dict[str, str | Source] = {}
    extra: dict[str, str | Source] = {}
    deals: list[Deal] = []

    def __post_init__(self) -> None:
        """ValueError for a layout that no file can have."""
        _ = self.layout

    @property
    def layout(self) -> Layout:
        """How the files are laid out."""
        return Layout(self.delimiter, self.encoding, self.sheet, self.header_row)


class ColumnMap(Struct, frozen=True, forbid_unknown_fields=True):
    """A map file: how to read a catalogue, interactions, or both; None reads rows as docs/rows.md has them."""

    catalogue: TableMap | None = None
    interactions: TableMap | None = None


def load_map(path: Path) -> ColumnMap:
    """The map in a TOML file. NotFoundError where there is none, UsageError as `parse_map`."""
    return parse_map(load_map_text(path), str(path))


def load_map_text(path: Path) -> str:
    """The text of a map file. NotFoundError where there is none, UsageError where it is no text."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFoundError(f"expected a map of columns at {path}, but nothing is there") from None
    except (UnicodeDecodeError, IsADirectoryError) as error:
        raise UsageError(f"{path}: expected a TOML file in UTF-8: {error}") from None


def parse_map(text: str, name: str) -> ColumnMap:
    """The map in `text`, TOML; UsageError names the key that is wrong, and the file as `name`."""
    try:
        raw = tomllib.loads(text)
    # Numbers of thousands of digits and lists without end are more than tomllib has an error for.
    except (ValueError, RecursionError) as error:
        twice = " (one field cannot come from two columns)" if "overwrite" in str(error) else ""
        raise UsageError(f"{name}: expected TOML, in which a key comes once{twice}: {error}") from None
    for table_name, table in raw.items():
        if isinstance(table, dict) and table_name in ColumnMap.__struct_fields__:
            _check_parts(table, f"{name}: [{table_name}")
            _converted(table, TableMap, f"{name}: [{table_name}]")
    return _converted(raw, ColumnMap, name)


def _check_parts(table: dict[str, Any], where: str) -> None:
    """Convert each part by itself, so that an error names it."""
    for part in ("fields", "extra"):
        sources = table.get(part)
        for field_name, source in sources.items() if isinstance(sources, dict) else ():
            if not isinstance(source, str):
                _converted(source, Source, f"{where}.{part}] {field_name}")
    deals = table.get("deals")
    for number, deal in enumerate(deals if isinstance(deals, list) else (), start=1):
        _converted(deal, Deal, f"{where}.deals], the {number}. of them")


def _converted(raw: object, kind: type[StructT], where: str) -> StructT:
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        keys = kind.__struct_encode_fields__
        unknown = _UNKNOWN.search(str(error))
        close = difflib.get_close_matches(unknown.group(1), keys, n=1) if unknown else []
        hint = f" (did you mean {close[0]}?)" if close else ""
        raise UsageError(f"{where}: {error}{hint}; the keys are {', '.join(keys)}") from None
