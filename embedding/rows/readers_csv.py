"""Rows from CSV: cells are converted by column, and a broken row is rejected without the rows around it."""

import csv
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from embedding.rows.layout import ENCODING_HINT, MAP_HINT
from embedding.rows.readers_jsonl import too_long
from embedding.rows.rejects import shown
from embedding.rows.row_parser import Cell, Row, RowParser, RowProblem, not_utf8
from embedding.rows.row_text import json_or_text
from embedding.rows.streams import MAX_LINE_BYTES, FileDamage, read_lines

_NUMBER = re.compile(r"[+-]?(\d+(?:\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE_NUMBER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_FLAGS = {"true": True, "false": False}


class _Lines:
    """Feeds lines to the CSV reader and remembers those of the row being read, so that they can be read again."""

    def __init__(self, path: Path, encoding: str) -> None:
        self._encoding = encoding
        self._lines = read_lines(path)
        self._again: deque[tuple[int, bytes, bool]] = deque()
        self._row: list[tuple[int, bytes, bool]] = []
        self._row_bytes = 0
        self.bad_line: bytes | None = None

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        number, line, whole = self._again.popleft() if self._again else next(self._lines)
        self._row.append((number, line, whole))
        self._row_bytes += len(line)
        if not whole or self._row_bytes > MAX_LINE_BYTES:
            raise too_long(self._row[0][1])
        try:
            return line.decode(self._encoding)
        except UnicodeDecodeError:
            self.bad_line = self.bad_line or line
            # Each bad byte becomes one character, so that quotes and commas stand where they stood.
            return line.decode(self._encoding, "surrogateescape")

    def start_row(self) -> None:
        self._row.clear()
        self._row_bytes = 0
        self.bad_line = None

    def give_back(self) -> None:
        """Read all lines of this row but its first again, each as the beginning of a row."""
        self._again.extendleft(reversed(self._row[1:]))

    @property
    def place(self) -> tuple[int, int]:
        """Number of the row's first line, and its bytes."""
        return self._row[0][0], self._row_bytes


def read_csv(path: Path, parser: RowParser[Any, Row]) -> Iterator[tuple[int, int, Row | RowProblem]]:
    """Each row as (number of its first line, its bytes, the row or what is wrong with it).

    A row that is no CSV (a quote that never closes) is one problem; reading goes on at the line after its first.
    Raises FileDamage as `read_lines`, and for a header that names a column twice or lacks a required one.
    """
    # The limit holds for the whole process: it is raised for the longest text, but never lowered.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_LINE_BYTES))
    lines = _Lines(path, parser.layout.encoding)
    reader = csv.reader(lines, strict=True, delimiter=parser.layout.delimiter)
    header = _header(reader, lines, parser)
    if lines.bad_line is not None:
        fault = _bad_text(lines.bad_line, parser).faults[0]
        raise FileDamage(lines.place[0], f"a header in {fault.expected}", fault.came)
    parser.check_columns(header)
    cells = [parser.cells.get(name) for name in header]
    while True:
        lines.start_row()
        try:
            row = next(reader)
        except StopIteration:
            return
        except (csv.Error, RowProblem) as error:
            lines.give_back()
            problem = error if isinstance(error, RowProblem) else RowProblem("", "a CSV row", _csv_words(error))
            yield *lines.place, problem
            continue
        if not any(row):
            continue
        yield *lines.place, _outcome(row, header, cells, lines.bad_line, parser)


def _outcome(
    row: list[str], header: list[str], cells: list[Cell | None], bad_line: bytes | None, parser: RowParser[Any, Row]
) -> Row | RowProblem:
    if bad_line is not None:
        return _bad_text(bad_line, parser)
    if len(row) != len(header):
        return RowProblem("", f"{len(header)} cells, as in the header", f"{len(row)}, the first {shown(row[0])}")
    fields = {
        name: text if cell is None else cell_value(text, cell)
        for name, text, cell in zip(header, row, cells, strict=True)
        if text != ""
    }
    try:
        return parser.from_fields(fields)
    except RowProblem as problem:
        return problem


def _bad_text(line: bytes, parser: RowParser[Any, Row]) -> RowProblem:
    """The problem of a line that is not in the encoding of its file."""
    layout = parser.layout
    if layout.is_utf8:
        fault = not_utf8(line).faults[0]
        return RowProblem(fault.field, f"{fault.expected} ({ENCODING_HINT})", fault.came)
    try:
        line.decode(layout.encoding)
    except UnicodeDecodeError as error:
        return RowProblem("", f"{layout.encoding} text", f"byte 0x{line[error.start]:02x} in {shown(line.rstrip())}")
    raise AssertionError("a line that can be decoded is not bad")


def _header(reader: Iterator[list[str]], lines: _Lines, parser: RowParser[Any, Row]) -> list[str]:
    header: list[str] = []
    try:
        # Blank lines are passed over, here too.
        while not header:
            lines.start_row()
            header = next(reader)
    except StopIteration:
        raise FileDamage(None, "a header row", "an empty file") from None
    except (csv.Error, RowProblem) as error:
        came = _csv_words(error) if isinstance(error, csv.Error) else str(error)
        raise FileDamage(lines.place[0], "a header row of column names", came) from None
    if "" in header:
        came = f"an empty header cell, number {header.index('') + 1} of {len(header)}"
        raise FileDamage(lines.place[0], "a name in every header cell (pandas: to_csv(index=False))", came)
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise FileDamage(lines.place[0], "each column once", f"{shown(twice[0])} twice")
    missing = [name for name in parser.required if name not in header]
    if missing:
        expected = f"columns {', '.join(parser.required)}, with {parser.layout.delimiters} between ({MAP_HINT})"
        raise FileDamage(lines.place[0], expected, f"a header {shown(parser.layout.delimiter.join(header))}")
    return header


def cell_value(text: str, cell: Cell) -> Any:
    """`text` converted to the type `cell`; text that cannot be stays text, and is rejected by the field's type."""
    if cell == "flag":
        return _FLAGS.get(text.lower(), text)
    if cell in ("number", "time"):
        if _WHOLE_NUMBER.fullmatch(text):
            return int(text)
        return float(text) if _NUMBER.fullmatch(text) else text
    if cell == "list" and not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(";") if part.strip()]
    return json_or_text(text)


def _csv_words(error: csv.Error) -> str:
    if "unexpected end of data" in str(error):
        return "a quote that never closes"
    if "new-line character" in str(error):
        return "a carriage return within a line (save it with the line ends of Unix or Windows)"
    return f"a quote out of place ({error})" if "expected after" in str(error) else str(error)
