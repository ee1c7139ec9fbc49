"""A map made ready to read rows: for each field its column and its conversion, checked against the fields of rows."""

import difflib
import re
from typing import Any

from embedding.errors import UsageError
from embedding.rows.column_map.conversions import (
    Convert,
    FieldType,
    check_format,
    check_keys,
    converter,
    extra_converter,
)
from embedding.rows.column_map.deals import DealColumns
from embedding.rows.column_map.declaration import Source, TableMap
from embedding.rows.row_parser import RowParser

_MOMENTS = frozenset({"published_at"})
_STEPS = re.compile(r"^([^.\[]+)(?:\.([^\[]+))?")


class CompiledMap:
    """What a map says, by field.

    `targets`, `extra`: the column and the conversion of each field and each name in `extra`; `constants`,
    `extra_constants`: values that every row has; `named`: the columns that must be there, as the map lists them;
    `known`: all that may be.
    """

    def __init__(self, inner: RowParser[Any, Any], table: TableMap, where: str) -> None:
        """UsageError, which begins with `where`, for a map that cannot be of the rows that `inner` parses."""
        self._inner, self._where = inner, where
        self.targets: dict[str, tuple[str, Convert]] = {}
        self.constants: dict[str, Any] = {}
        self.extra: dict[str, tuple[str, Convert]] = {}
        self.extra_constants: dict[str, Any] = {}
        self._read_fields(table)
        self._read_extra(table)
        self.deals = self._read_deals(table)
        columns = [column for column, _ in (*self.targets.values(), *self.extra.values())]
        self.named = tuple(dict.fromkeys([*columns, *(column for deal in self.deals for column in deal.columns)]))
        both = sorted(set(table.drop) & set(self.named))
        if both:
            raise self._error("drop", f"the column {both[0]!r} is read by the map, and dropped: say one of the two")
        self._add_fields_by_name({*self.named, *table.drop}, table)
        self.known = {*self.named, *table.drop, *(column for column, _ in self.targets.values())}

    def column_of(self, field: str) -> str | None:
        """The column from which a field, or a part of it such as `tags[2]` or `extra.year`, was read."""
        found = _STEPS.match(field)
        if found is None:
            return None
        target = self.extra.get(found[2] or "") if found[1] == "extra" else None
        target = target or self.targets.get(found[1])
        return None if target is None or target[0] == found[1] else target[0]

    def _read_fields(self, table: TableMap) -> None:
        for name, written in table.fields.items():
            source = _source(written)
            if name not in self._inner.fields:
                close = difflib.get_close_matches(name, self._inner.fields, n=1)
                hint = f" (did you mean {close[0]}?)" if close else f": {', '.join(self._inner.fields)}"
                raise self._error("fields", f"{name!r} is no field of {self._inner.name}{hint}")
            kind = self._kind(name)
            try:
                check_keys(source, kind, name)
            except ValueError as error:
                raise self._error(f"fields.{name}", str(error)) from None
            if source.column is None:
                self.constants[name] = source.constant
            else:
                self.targets[name] = (source.column, converter(source, kind))

    def _read_extra(self, table: TableMap) -> None:
        if table.extra and "extra" not in self._inner.fields:
            raise self._error("extra", f"{self._inner.name} has no extra")
        if table.extra and "extra" in table.fields:
            raise self._error("extra", "extra comes from a column of its own, too: say one of the two")
        for name, written in table.extra.items():
            source = _source(written)
            for key in ("separator", "unit"):
                if getattr(source, key) is not None:
                    raise self._error(f"extra.{name}", f"{key} means nothing for extra")
            if source.date is not None:
                try:
                    check_format(source.date)
                except ValueError as error:
                    raise self._error(f"extra.{name}", str(error)) from None
            if source.column is None:
                self.extra_constants[name] = source.constant
            else:
                self.extra[name] = (source.column, extra_converter(source))

    def _read_deals(self, table: TableMap) -> list[DealColumns]:
        if table.deals and "availability" not in self._inner.fields:
            raise self._error("deals", f"{self._inner.name} has no availability")
        if table.deals and "availability" in table.fields:
            raise self._error("deals", "availability comes from a column, too: say one of the two")
        deals = []
        for number, deal in enumerate(table.deals, start=1):
            try:
                deals.append(DealColumns(deal))
            except ValueError as error:
                raise self._error("deals", f"the {number}. of them: {error}") from None
        return deals

    def _add_fields_by_name(self, spoken_of: set[str], table: TableMap) -> None:
        """A column that is called as a field, and of which nothing is said, is that field."""
        for name in self._inner.fields:
            made = name in table.fields or (name == "extra" and table.extra) or (name == "availability" and table.deals)
            if name not in spoken_of and not made:
                self.targets[name] = (name, converter(Source(column=name), self._kind(name)))

    def _kind(self, name: str) -> FieldType:
        return "moment" if name in _MOMENTS else self._inner.cells.get(name, "text")

    def _error(self, part: str, message: str) -> UsageError:
        return UsageError(f"{self._where}, {part}: {message}")


def _source(written: str | Source) -> Source:
    return Source(column=written) if isinstance(written, str) else written
