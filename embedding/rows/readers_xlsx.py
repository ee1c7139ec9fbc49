"""Rows from a workbook (.xlsx), one sheet of it, read cell by cell; a map says which column is which field."""

import re
import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from embedding.errors import UsageError
from embedding.extras.registry import require
from embedding.rows.layout import Layout
from embedding.rows.rejects import shown
from embedding.rows.row_parser import Row, RowParser, RowProblem
from embedding.rows.streams import FileDamage
from embedding.rows.workbook_cells import BrokenCell, CellValue, cell_content

if TYPE_CHECKING:
    from openpyxl.reader.excel import ExcelReader

Cells = list[CellValue | BrokenCell]

# A row's number and its cells, as the library has them.
_SheetRow = tuple[int, list[Any]]

_PART_ROWS = 256
# What the format has.
_MAX_ROWS = 2**20
_CHUNK_BYTES = 2**20
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^<>]*?ref="([A-Z]+(\d+):[A-Z]+(\d+))"')
_LONGEST_TAG = 200


def read_xlsx(path: Path, parser: RowParser[Any, Row]) -> Iterator[tuple[int, int, Row | RowProblem]]:
    """Each row that is not empty as (its number in the sheet, its characters, the row or what is wrong with it).

    Raises FileDamage where the file is no workbook, its sheet cannot be told, cells are merged, or the header is not
    one of such rows; UsageError where what reads workbooks is not installed.
    """
    rows = sheet_rows(path, parser.layout)
    number, header = header_of(rows)
    parser.check_columns(header)
    for number, cells in rows:
        beyond = [cell for cell in cells[len(header) :] if cell is not None]
        if beyond:
            yield number, 0, RowProblem("", f"{len(header)} cells, as in the header", f"more: {shown(beyond[0])}")
            continue
        named = {name: cell for name, cell in zip(header, cells, strict=False) if cell is not None}
        size = sum(len(cell) for cell in named.values() if isinstance(cell, str))
        try:
            yield number, size, parser.from_fields(named)
        except RowProblem as problem:
            yield number, size, problem


def header_of(rows: Iterator[tuple[int, Cells]]) -> tuple[int, list[str]]:
    """The number and the names of the header, which is the first of `rows`; FileDamage where it is none."""
    number, cells = next(rows, (1, []))
    while cells and cells[-1] is None:
        cells.pop()
    names = ["" if cell is None else str(cell) for cell in cells]
    if not names:
        raise FileDamage(None, "a header row", "an empty sheet")
    if "" in names:
        came = f"an empty header cell, number {names.index('') + 1} of {len(names)}"
        raise FileDamage(number, "a name in every header cell (header_row says which row it is)", came)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FileDamage(number, "each column once", f"{shown(twice[0])} twice")
    return number, names


def sheet_rows(path: Path, layout: Layout) -> Iterator[tuple[int, Cells]]:
    """The rows of the sheet that are not empty, from its header on, each with its number. Raises as `read_xlsx`."""
    try:
        yield from _rows(path, layout)
    except (FileDamage, UsageError):
        raise
    except Exception as error:  # What a broken file makes of the library and of the XML below it is not told by either.
        expected = "a workbook (.xlsx without a password; an .xls is saved anew as one)"
        raise FileDamage(None, expected, str(error).strip() or type(error).__name__) from None


def _rows(path: Path, layout: Layout) -> Iterator[tuple[int, Cells]]:
    with path.open("rb") as stream:
        formulas = _opened(stream, computed=False)
        title = _sheet_title(formulas, layout)
        first = layout.header_row or 1
        _check_merged(formulas, title, first)
        computed: Iterator[_SheetRow] | None = None
        rows = _sheet(formulas, title, computed=False)
        while part := _part(rows):
            for number, row in part:
                values = None
                if any(cell.data_type == "f" for cell in row):
                    if computed is None:
                        # Only now: a sheet without formulas is read once.
                        computed = _sheet(_opened(stream, computed=True), title, computed=True)
                    values = _at(computed, number)
                if number < first or all(cell.value is None for cell in row):
                    continue
                values = values or [None] * len(row)
                yield number, [cell_content(cell, value) for cell, value in zip(row, values, strict=True)]


def _part(rows: Iterator[_SheetRow]) -> list[_SheetRow]:
    # It warns of what it would not write back: nothing is written here.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return list(islice(rows, _PART_ROWS))


def _at(rows: Iterator[_SheetRow], number: int) -> list[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return next(row for other, row in rows if other == number)


def _opened(stream: BinaryIO, *, computed: bool) -> "ExcelReader":
    require("xlsx", "What reads workbooks (.xlsx)")
    from openpyxl.reader.excel import ExcelReader

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reader = ExcelReader(stream, read_only=True, data_only=computed, keep_links=False)
        reader.read()
    return reader


def _sheet(reader: "ExcelReader", title: str, *, computed: bool) -> Iterator[_SheetRow]:
    """The rows that the sheet has, each with its number and its cells from column A on.

    The library's own `iter_rows` leaves out rows and cells that do not come in their order, and makes empty ones up to
    whatever number a row has.
    """
    from openpyxl.cell.read_only import EMPTY_CELL, ReadOnlyCell
    from openpyxl.worksheet._reader import WorkSheetParser

    book: Any = reader.wb
    sheet = book[title]
    before = 0
    with sheet._get_source() as source:
        parser = WorkSheetParser(
            source,
            sheet._shared_strings,
            data_only=computed,
            epoch=book.epoch,
            date_formats=book._date_formats,
            timedelta_formats=book._timedelta_formats,
        )
        for number, written in parser.parse():
            if not before < number <= _MAX_ROWS:
                came = f"row {number:,} after row {before:,}"
                raise FileDamage(before + 1, f"rows in their order, of {_MAX_ROWS:,} at most", came)
            before = number
            row: list[Any] = []
            for cell in written:
                if cell["column"] <= len(row):
                    raise FileDamage(number, "the cells of a row in their order, each once", "others")
                row += [EMPTY_CELL] * (cell["column"] - 1 - len(row))
                row.append(ReadOnlyCell(sheet, **cell))
            yield number, row


def _sheet_title(reader: "ExcelReader", layout: Layout) -> str:
    sheets = reader.wb.worksheets
    if layout.sheet is not None:
        if layout.sheet not in [sheet.title for sheet in sheets]:
            came = ", ".join(shown(sheet.title) for sheet in sheets)
            raise FileDamage(None, f"a sheet {shown(layout.sheet)}", f"the sheets {came}")
        return layout.sheet
    visible = [sheet.title for sheet in sheets if sheet.sheet_state == "visible"]
    if len(visible) != 1:
        came = f"{len(visible)} that can be seen: {', '.join(map(shown, visible))}"
        raise FileDamage(None, "one sheet, or the name of one (--sheet; in a map, sheet = ...)", came)
    return visible[0]


def _check_merged(reader: "ExcelReader", title: str, first: int) -> None:
    """FileDamage where cells are merged from row `first` on: the value would be in the first of them alone."""
    (target,) = (rel.target for sheet, rel in reader.parser.find_sheets() if sheet.name == title)
    with reader.archive.open(target) as stream:
        tail = b""
        while chunk := stream.read(_CHUNK_BYTES):
            for found in _MERGED.finditer(tail + chunk):
                if int(found[3]) >= first:
                    came = f"the merged cells {found[1].decode()}"
                    raise FileDamage(
                        int(found[2]),
                        "cells of their own (unmerge them and fill each; header_row says which row the header is)",
                        came,
                    )
            tail = chunk[-_LONGEST_TAG:]
