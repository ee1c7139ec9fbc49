"""A parser of rows whose columns a map names: cells are brought to their fields, then parsed as all rows are."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from embedding.rows.column_map.compiled import CompiledMap
from embedding.rows.column_map.conversions import Misfit, converted, is_blank_cell
from embedding.rows.column_map.declaration import TableMap
from embedding.rows.layout import likely_delimiters
from embedding.rows.rejects import Fault, shown
from embedding.rows.row_faults import label, of_other_fields
from embedding.rows.row_parser import Raw, Row, RowParser, RowProblem
from embedding.rows.streams import FileDamage


class MappedParser(RowParser[Raw, Row]):
    """Reads rows by the columns that a map names and hands their fields to `inner`.

    A fault names the field and, where it is known, the column.
    """

    def __init__(self, inner: RowParser[Raw, Row], table: TableMap, where: str) -> None:
        """UsageError, which begins with `where`, for a map that cannot be of such rows."""
        # All that is not said here is as the inner parser has it.
        vars(self).update(vars(inner))
        self.layout = table.layout
        # Cells are converted here, and columns checked here.
        self.cells = {}
        self.required = ()
        self._inner = inner
        self._where = where
        self._map = CompiledMap(inner, table, where)
        self.dropped = frozenset(table.drop)
        self.keep_digits = tuple(column for column, _ in self._map.extra.values())
        # Columns that no row of this file had so far, and whether there was a row to have them.
        self._unseen: set[str] = set()
        self._has_rows = False

    def check_columns(self, names: Iterable[str]) -> None:
        """FileDamage where a table with the columns `names` is not one that the map was made for."""
        self._unseen = set()
        columns = list(names)
        missing = [column for column in self._map.named if column not in columns]
        if missing:
            expected = f"the columns that the map {self._where} names"
            came = f"none called {_listed(missing)} among {_listed(columns)}{self._delimiter_hint(columns)}"
            raise FileDamage(1, expected, came)
        unknown = [column for column in columns if column not in self._map.known]
        if unknown:
            raise FileDamage(1, self._expected_column, f"{_listed(unknown)}, of which it says nothing")
        fields = {field for field, (column, _) in self._map.targets.items() if column in columns}
        lacking = [field for field in self._inner.required if field not in fields | self._map.constants.keys()]
        if lacking:
            expected = f"a map that says where {', '.join(lacking)} comes from ({self._where})"
            raise FileDamage(1, expected, f"columns {_listed(columns)}")

    def rows_of(self, rows: Iterator[tuple[int, int, Row | RowProblem]]) -> Iterator[tuple[int, int, Row | RowProblem]]:
        """The rows of one file; FileDamage at its end where its JSON objects never had a column that the map names."""
        self._unseen, self._has_rows = set(self._map.named), False
        yield from rows
        if self._unseen and self._has_rows:
            missing = [column for column in self._map.named if column in self._unseen]
            expected = f"the columns that the map {self._where} names"
            raise FileDamage(None, expected, f"no row with {_listed(missing)}")

    def from_json(self, line: bytes) -> Row:
        """As RowParser."""
        try:
            fields = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            # It says what is wrong with the line.
            return self._inner.from_json(line)
        if not isinstance(fields, dict):
            return self._inner.from_json(line)
        self._has_rows = True
        if self._unseen:
            self._unseen.difference_update(fields)
        unknown = [column for column in fields if column not in self._map.known]
        return self._row(
            fields, [Fault(label(column), self._expected_column, shown(fields[column])) for column in unknown]
        )

    def from_fields(self, fields: dict[str, Any]) -> Row:
        """As RowParser, of the cells of a row by their columns; dates and times may come as such."""
        return self._row(fields, [])

    def _row(self, cells: dict[str, Any], faults: list[Fault]) -> Row:
        filled = {column: cell for column, cell in cells.items() if not is_blank_cell(cell)}
        fields = dict(self._map.constants)
        for field, (column, convert) in self._map.targets.items():
            if column in filled:
                try:
                    fields[field] = converted(convert, filled[column])
                except Misfit as misfit:
                    faults.append(Fault(field, misfit.expected, shown(filled[column])))
        self._add_extra(filled, fields, faults)
        self._add_windows(filled, fields, faults)
        row: Row | None = None
        try:
            row = self._inner.from_fields(fields)
        except RowProblem as problem:
            faults = [*faults, *of_other_fields(problem.faults, faults)]
            row = problem.row
        if faults or row is None:
            raise RowProblem.of([self._with_column(fault) for fault in faults], row)
        return row

    def _add_extra(self, filled: dict[str, Any], fields: dict[str, Any], faults: list[Fault]) -> None:
        extra = dict(self._map.extra_constants)
        for name, (column, convert) in self._map.extra.items():
            if column in filled:
                try:
                    extra[name] = converted(convert, filled[column])
                except Misfit as misfit:
                    faults.append(Fault(f"extra.{name}", misfit.expected, shown(filled[column])))
        if extra:
            fields["extra"] = extra

    def _add_windows(self, filled: dict[str, Any], fields: dict[str, Any], faults: list[Fault]) -> None:
        if not self._map.deals:
            return
        before = len(faults)
        windows = [window for deal in self._map.deals for window in deal.windows(filled, faults)]
        if windows:
            fields["availability"] = windows
        elif len(faults) == before:
            # Without windows the row would be open everywhere.
            columns = [deal.columns[0] for deal in self._map.deals]
            faults.append(
                Fault("availability", f"territories in {_listed(columns)}, or Worldwide for everywhere", shown(None))
            )

    def _with_column(self, fault: Fault) -> Fault:
        """The fault with the column that its field was read from."""
        column = self._map.column_of(fault.field)
        return fault if column is None else fault._replace(field=f"{fault.field} (column {label(column)})")

    @property
    def _expected_column(self) -> str:
        return f"a column of the map {self._where} (name it in fields, extra or drop)"

    def _delimiter_hint(self, columns: list[str]) -> str:
        likely = likely_delimiters(self.layout.delimiter.join(columns)) if len(columns) == 1 else []
        return f" (the header has delimiter = {likely[0]!r}: say so in the map)" if likely else ""


def _listed(columns: Iterable[str]) -> str:
    names = [label(column) for column in columns]
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return ", ".join(names[:20]) + more
