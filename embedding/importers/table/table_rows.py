"""The rows of a table as they stand in it: header and cells, before anything is known of their meaning."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from embedding.errors import RejectedInputError, UsageError
from embedding.rows.layout import ENCODING_HINT, Layout, likely_delimiters
from embedding.rows.readers_csv import read_csv
from embedding.rows.readers_xlsx import read_xlsx
from embedding.rows.row_parser import RowParser, RowProblem
from embedding.rows.streams import FileDamage, read_lines

_CSV = (".csv", ".csv.gz", ".csv.zst")
_BOM = "\ufeff"


class TableRow(Struct):
    """The cells of a row that are not empty, by their columns."""

    cells: dict[str, Any]


class TableParser(RowParser[TableRow, TableRow]):
    """Takes every row as it is; `columns`: the header, once the first row was read."""

    def __init__(self, layout: Layout) -> None:
        self.name = "a row of the table"
        self.cells = {}
        self.required = ()
        self.layout = layout
        self.columns: list[str] = []

    def check_columns(self, names: Iterable[str]) -> None:
        """Any header will do."""
        self.columns = list(names)

    def from_fields(self, fields: dict[str, Any]) -> TableRow:
        """As RowParser."""
        return TableRow(fields)


def is_workbook(file: Path) -> bool:
    """Whether a file's name is that of a workbook; UsageError where it is that of no table."""
    name = file.name.lower()
    if name.endswith(".xlsx"):
        return True
    if name.endswith(_CSV):
        return False
    raise UsageError(f"expected a table, {', '.join(_CSV)} or .xlsx, but {file} is none; for other files write a map")


def table_rows(file: Path, parser: TableParser) -> Iterator[dict[str, Any]]:
    """The cells of each row that can be read. RejectedInputError where the file cannot be read to its end."""
    reader = read_xlsx if is_workbook(file) else read_csv
    try:
        for line, _, row in reader(file, parser):
            if not isinstance(row, RowProblem):
                yield row.cells
            elif ENCODING_HINT in row.faults[0].expected:
                raise UsageError(f"{file}:{line:,}: expected UTF-8, came {row.faults[0].came}: say --encoding cp1252")
    except FileDamage as damage:
        place = "" if damage.line is None else f" at line {damage.line:,}"
        raise RejectedInputError(f"{file}{place}: expected {damage.expected}, came {damage.came}") from None


def told_delimiter(file: Path, encoding: str) -> str:
    """The delimiter that the header of a CSV file has most of. UsageError where several come as often.

    RejectedInputError where the file has no first line.
    """
    try:
        _, line, _ = next(read_lines(file))
    except FileDamage as damage:
        raise RejectedInputError(f"{file}: expected {damage.expected}, came {damage.came}") from None
    likely = likely_delimiters(line.decode(encoding, "replace").removeprefix(_BOM))
    if len(likely) > 1:
        raise UsageError(f"{file}: the header has as many of {' '.join(map(repr, likely))}: say --delimiter")
    return likely[0] if likely else ","
