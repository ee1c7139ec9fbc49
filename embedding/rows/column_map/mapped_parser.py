"""A parser of rows whose columns a map names: cells are brought to their fields, then parsed as all rows are."""

import difflib
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import msgspec

from embedding.errors import UsageError
from embedding.rows.column_map.conversions import (
    Convert,
    FieldType,
    Misfit,
    check_keys,
    converter,
    extra_converter,
    is_blank_cell,
    word_of,
)
from embedding.rows.column_map.deals import DealColumns
from embedding.rows.column_map.declaration import Source, TableMap
from embedding.rows.layout import likely_delimiters
from embedding.rows.rejects import Fault, shown
from embedding.rows.row_faults import of_other_fields
from embedding.rows.row_parser import Raw, Row, RowParser, RowProblem
from embedding.rows.streams import FileDamage

_WINDOWS = "availability"


class MappedParser(RowParser[Raw, Row]):
    """Reads rows by the columns that `table` names and hands their fields to `inner`.

    A fault names the field and, where it is known, the column. UsageError, beginning with `name`, for a map that
    cannot be of such rows.
    """

    def __init__(self, inner: RowParser[Raw, Row], table: TableMap, name: str) -> None:
        self.name = inner.name
        # Cells are converted here, and columns checked here.
        self.cells = {}
        self.required = ()
        self.layout = table.layout
        self._inner = inner
        self._where = name
        self._empty = frozenset(word_of(word) for word in table.empty)
        self._drop = frozenset(table.drop)
        self._constants: dict[str, Any] = {}
        self._targets: dict[str, tuple[str, Convert]] = {}
        self._extra: dict[str, tuple[str, Convert]] = {}
        self._extra_constants: dict[str, Any] = {}
        self._read_fields(table)
        self._read_extra(table)
        self._deals = [self._deal(number, deal) for number, deal in enumerate(table.deals, start=1)]
        named = chain(
            (column for column, _ in (*self._targets.values(), *self._extra.values())),
            (column for deal in self._deals for column in deal.columns),
        )
        self._named = dict.fromkeys(named)
        self._add_fields_as_named()
        self._known = self._named.keys() | self._drop | {column for column, _ in self._targets.values()}
        self._unseen: set[str] = set()

    @property
    def fields(self) -> tuple[str, ...]:
        """As RowParser."""
        return self._inner.fields

    def check_columns(self, names: Iterable[str]) -> None:
        """FileDamage where a table with the columns `names` is not one that the map was made for."""
        columns = list(names)
        missing = [column for column in self._named if column not in columns]
        if missing:
            expected = f"the columns that the map names ({_listed(missing)} {'is' if len(missing) == 1 else 'are'} missing)"
            raise FileDamage(None, expected, f"columns {_listed(columns)}{self._delimiter_hint(columns)}")
        unknown = [column for column in columns if column not in self._known]
        if unknown:
            raise FileDamage(None, self._expected_column(), f"{_listed(unknown)}, of which it says nothing")
        fields = {field for field, (column, _) in self._targets.items() if column in columns}
        lacking = [field for field in self._inner.required if field not in fields | self._constants.keys()]
        if lacking:
            expected = f"a map that says where {', '.join(lacking)} comes from"
            raise FileDamage(None, expected, f"columns {_listed(columns)}")

    def rows_of(self, rows: Iterator[tuple[int, int, Row | RowProblem]]) -> Iterator[tuple[int, int, Row | RowProblem]]:
        """The rows of one file; FileDamage at its end where JSON objects never had a column that the map names."""
        self._unseen = set(self._named)
        seen = 0
        for row in rows:
            seen += 1
            yield row
        if seen and self._unseen == set(self._named) or not seen:
            return
        if self._unseen:
            missing = [column for column in self._named if column in self._unseen]
            raise FileDamage(None, f"the columns that the map names ({_listed(missing)} came in no row)", f"{seen:,} rows")

    def from_json(self, line: bytes) -> Row:
        """As RowParser."""
        try:
            fields = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._inner.from_json(line)
        if not isinstance(fields, dict):
            return self._inner.from_json(line)
        self._unseen.difference_update(fields)
        unknown = [Fault(shown(c)[1:-1], self._expected_column(), shown(v)) for c, v in fields.items() if c not in self._known]
        return self._row(fields, unknown)

    def from_fields(self, fields: dict[str, Any]) -> Row:
        """As RowParser, of the cells of a row by their columns; dates and times may come as such."""
        return self._row(fields, [])
