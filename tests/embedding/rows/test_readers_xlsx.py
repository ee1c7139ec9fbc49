"""Rows from workbooks: the traps of cells (dates, times, digits, formulas, errors), of sheets and of files."""

import sys
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.worksheet.worksheet import Worksheet

from embedding.errors import RejectedInputError, UsageError
from embedding.rows.catalogue import read_catalogue
from embedding.rows.rejects import Reject, Rejects
from embedding.rows.schema import Item
from tests.embedding.rows.column_map.tables import head, read_mapped
from tests.embedding.rows.workbooks import HEADER, edit_sheet, workbook

Change = Callable[[openpyxl.Workbook, Worksheet], object]


def unchanged(_book: openpyxl.Workbook, _sheet: Worksheet) -> None:
    pass


def one(folder: Path, content: Any, text: str, change: Change = unchanged) -> tuple[list[Item], list[Reject]]:
    """What a workbook of one row gives whose last column, E, holds `content`."""
    path = workbook(folder / "t.xlsx", [(*HEADER, "E"), ("c-1", "T", "A", content)], change)
    return read_mapped(path, head() + text)


def shown_as(number_format: str) -> Change:
    def change(_book: openpyxl.Workbook, sheet: Worksheet) -> None:
        sheet["D2"].number_format = number_format

    return change


def from_1904(book: openpyxl.Workbook, _sheet: Worksheet) -> None:
    book.epoch = CALENDAR_MAC_1904


@pytest.mark.parametrize(
    ("content", "change", "text", "field", "value"),
    [
        (date(2023, 11, 3), unchanged, 'published_at = "E"', "published_at", 1698969600),
        (date(2023, 11, 3), from_1904, 'published_at = "E"', "published_at", 1698969600),
        (datetime(2023, 11, 3, 12, 30), unchanged, 'published_at = "E"', "published_at", 1699014600),
        # A date cell has its order; the format is for those that are text.
        (
            date(2023, 11, 3),
            unchanged,
            'published_at = { column = "E", date = "%Y-%d-%m" }',
            "published_at",
            1698969600,
        ),
        ("03/11/2023", unchanged, 'published_at = { column = "E", date = "%d/%m/%Y" }', "published_at", 1698969600),
        (time(3, 34), unchanged, 'duration_s = { column = "E", unit = "m:s" }', "duration_s", 214.0),
        (
            timedelta(hours=62, minutes=3),
            unchanged,
            'duration_s = { column = "E", unit = "m:s" }',
            "duration_s",
            3723.0,
        ),
        (time(0, 3, 34), unchanged, 'duration_s = { column = "E", unit = "h:m:s" }', "duration_s", 214.0),
        ("3:34", unchanged, 'duration_s = { column = "E", unit = "m:s" }', "duration_s", 214.0),
        (214500, unchanged, 'duration_s = { column = "E", unit = "ms" }', "duration_s", 214.5),
        (1999, unchanged, 'album = "E"', "album", "1999"),
        (7.5, unchanged, 'album = "E"', "album", "7.5"),
        (42, shown_as("000000"), '[catalogue.extra]\nupc = "E"', "extra", {"upc": "000042"}),
        (
            7312345678901,
            unchanged,
            '[catalogue.extra]\nupc = { column = "E", type = "text" }',
            "extra",
            {"upc": "7312345678901"},
        ),
        (True, unchanged, 'explicit = "E"', "explicit", True),
        ("yes", unchanged, 'explicit = { column = "E", values = { yes = true } }', "explicit", True),
        (1, unchanged, 'explicit = { column = "E", values = { 1 = true } }', "explicit", True),
        (None, unchanged, 'album = "E"', "album", None),
        (1984, unchanged, 'tags = "E"', "tags", ("1984",)),
    ],
)
def test_a_cell_becomes_its_field(
    tmp_path: Path, content: Any, change: Change, text: str, field: str, value: object
) -> None:
    items, rejects = one(tmp_path, content, text, change)
    assert rejects == []
    assert getattr(items[0], field) == value


@pytest.mark.parametrize(
    ("content", "text", "expected", "came"),
    [
        (45233, 'published_at = "E"', "lost its format", "45233"),
        (date(2023, 10, 11), 'album = "E"', "the cell is a date", "2023-10-11"),
        (time(3, 34), 'duration_s = "E"', 'say its unit, such as unit = "m:s"', "03:34"),
        (time(1, 2, 3), 'duration_s = { column = "E", unit = "m:s" }', "as h:m:s has", "01:02:03"),
        (0.00248, 'duration_s = { column = "E", unit = "m:s" }', "such as 3:34", "0.00248"),
        (1619228549901174645, 'album = "E"', "at most 15 digits", "1.61922854990117"),
        ("=D1&D1", 'album = "E"', "never computed: open the workbook and save it", "=D1&D1"),
    ],
)
def test_a_cell_that_says_something_else_is_a_reject(
    tmp_path: Path, content: Any, text: str, expected: str, came: str
) -> None:
    items, rejects = one(tmp_path, content, text)
    assert items == []
    assert (rejects[0].line, rejects[0].field.endswith("(column E)")) == (2, True)
    assert expected in rejects[0].expected
    assert came in rejects[0].came


def test_a_formula_is_what_it_came_to(tmp_path: Path) -> None:
    rows = [(*HEADER, "E"), ("c-1", "T", "A", "plain"), ("c-2", "T", "A", "=1+1"), ("c-3", "T", "A", None)]
    path = workbook(tmp_path / "t.xlsx", [*rows, ("c-4", "T", "A", "=2+2"), ("c-5", "T", "A", '=""')])
    edit_sheet(path, rb"<f>1\+1</f><v ?(/>|></v>)", b"<f>1+1</f><v>2</v>")
    edit_sheet(path, rb"<f>2\+2</f><v ?(/>|></v>)", b"<f>2+2</f><v>4</v>")
    edit_sheet(path, rb'(r="D6")(><f>""</f><v) ?(/>|></v>)', rb'\1 t="str"\2></v>')
    items, rejects = read_mapped(path, head() + 'album = "E"')
    assert rejects == []
    assert [item.album for item in items] == ["plain", "2", None, "4", None]


def test_an_error_of_the_spreadsheet_is_a_reject_of_its_column_alone(tmp_path: Path) -> None:
    def change(_book: openpyxl.Workbook, sheet: Worksheet) -> None:
        sheet["D2"].data_type = "e"

    items, rejects = one(tmp_path, "#N/A", 'album = "E"', change)
    assert (items, rejects[0].expected, rejects[0].came) == ([], "a value, not an error of the spreadsheet", '"#N/A"')
    path = workbook(tmp_path / "t.xlsx", [(*HEADER, "E"), ("c-1", "T", "A", "#N/A")], change)
    items, rejects = read_mapped(path, head('drop = ["E"]'))
    assert (len(items), rejects) == (1, [])


def test_merged_cells_are_refused_from_the_header_on(tmp_path: Path) -> None:
    def banner(_book: openpyxl.Workbook, sheet: Worksheet) -> None:
        sheet.merge_cells("A1:C1")

    def album(_book: openpyxl.Workbook, sheet: Worksheet) -> None:
        sheet.merge_cells("C3:C4")

    rows = [("Our catalogue",), HEADER, ("c-1", "T", "A"), ("c-2", "U", "A")]
    path = workbook(tmp_path / "t.xlsx", rows, banner)
    assert len(read_mapped(path, head("header_row = 2"))[0]) == 2
    with pytest.raises(RejectedInputError, match="merged cells A1:C1"):
        read_mapped(path, head())
    path = workbook(tmp_path / "t.xlsx", rows, album)
    with pytest.raises(RejectedInputError, match=r"line 3.*unmerge them and fill each.*merged cells C3:C4"):
        read_mapped(path, head("header_row = 2"))


def test_of_several_sheets_the_map_names_one_and_hidden_ones_are_passed_over(tmp_path: Path) -> None:
    def hidden(book: openpyxl.Workbook, sheet: Worksheet) -> None:
        sheet.title = "Tracks"
        other = book.create_sheet("Lists", 0)
        other.append(["anything"])
        other.sheet_state = "hidden"

    def seen(book: openpyxl.Workbook, sheet: Worksheet) -> None:
        hidden(book, sheet)
        book["Lists"].sheet_state = "visible"

    rows = [HEADER, ("c-1", "T", "A")]
    assert len(read_mapped(workbook(tmp_path / "t.xlsx", rows, hidden), head())[0]) == 1
    path = workbook(tmp_path / "t.xlsx", rows, seen)
    with pytest.raises(RejectedInputError, match=r'one sheet, or the name of one .*sheet = .*"Lists", "Tracks"'):
        read_mapped(path, head())
    assert len(read_mapped(path, head('sheet = "Tracks"'))[0]) == 1
    with pytest.raises(RejectedInputError, match='a sheet "tracks", came the sheets "Lists", "Tracks"'):
        read_mapped(path, head('sheet = "tracks"'))


def test_empty_rows_are_passed_over_and_lines_are_those_of_the_sheet(tmp_path: Path) -> None:
    path = workbook(tmp_path / "t.xlsx", [(), HEADER, ("c-1", "T", "A"), (), (None, None, "A"), ("c-2", "T", "A")])
    items, rejects = read_mapped(path, head())
    assert [item.id for item in items] == ["c-1", "c-2"]
    assert {reject.line for reject in rejects} == {5}


def test_dimensions_that_are_wrong_hide_nothing(tmp_path: Path) -> None:
    path = workbook(tmp_path / "t.xlsx", [HEADER, ("c-1", "T", "A")])
    edit_sheet(path, rb'<dimension ref="[^"]+"', b'<dimension ref="A1"')
    assert len(read_mapped(path, head())[0]) == 1


@pytest.mark.parametrize(
    ("pattern", "new", "match"),
    [
        # The library leaves out all of these without a word.
        (b'<row r="3"', b'<row r="2"', "expected rows in their order.*, came row 2 after row 2"),
        (b'<row r="2"', b'<row r="9"', "expected rows in their order.*, came row 3 after row 9"),
        (b'<row r="3"', b'<row r="1048577"', "of 1,048,576 at most, came row 1,048,577"),
        (b'<c r="C2"', b'<c r="A2"', "line 2: expected the cells of a row in their order, each once"),
        (b'<c r="B2"', b'<c r="D2"', "line 2: expected the cells of a row in their order, each once"),
    ],
)
def test_no_row_and_no_cell_goes_missing(tmp_path: Path, pattern: bytes, new: bytes, match: str) -> None:
    path = workbook(tmp_path / "t.xlsx", [HEADER, ("c-1", "T", "A"), ("c-2", "T", "A")])
    edit_sheet(path, pattern, new)
    with pytest.raises(RejectedInputError, match=match):
        read_mapped(path, head())


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        ([], "an empty sheet"),
        ([("Code", None, "Artist"), ("c-1", "T", "A")], "an empty header cell, number 2 of 3"),
        ([("Code", "Title", "Title"), ("c-1", "T", "A")], '"Title" twice'),
        ([("Code", "Title"), ("c-1", "T")], "none called Artist among Code, Title"),
    ],
)
def test_a_header_that_is_none_is_one_error(tmp_path: Path, rows: list[tuple[Any, ...]], match: str) -> None:
    with pytest.raises(RejectedInputError, match=match):
        read_mapped(workbook(tmp_path / "t.xlsx", rows), head())


def test_a_cell_beyond_the_header_is_a_reject(tmp_path: Path) -> None:
    _, rejects = read_mapped(workbook(tmp_path / "t.xlsx", [HEADER, ("c-1", "T", "A", "more")]), head())
    assert [(reject.line, reject.expected, reject.came) for reject in rejects] == [
        (2, "3 cells, as in the header", 'more: "more"'),
    ]


def test_a_file_that_is_no_workbook_or_is_cut_short_is_one_reject(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    path.write_bytes(b"\xd0\xcf\x11\xe0 an old workbook, or one with a password")
    with pytest.raises(RejectedInputError, match=r"an \.xls is saved anew as one"):
        read_mapped(path, head())
    whole = workbook(path, [HEADER, ("c-1", "T", "A")]).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RejectedInputError, match="a workbook"):
        read_mapped(path, head())
    workbook(path, [HEADER, ("c-1", "T", "A")])
    edit_sheet(path, b"</sheetData>", b"</sheetData")
    with pytest.raises(RejectedInputError, match="a workbook"):
        read_mapped(path, head())


def test_a_workbook_without_a_map_says_how_to_make_one(tmp_path: Path) -> None:
    path = workbook(tmp_path / "t.xlsx", [("id", "kind", "title", "creator"), ("a", "track", "T", "A")])
    with Rejects(tmp_path / "r.jsonl") as rejects, pytest.raises(RejectedInputError, match="nearfield import table"):
        list(read_catalogue(path, rejects))


def test_without_the_library_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = workbook(tmp_path / "t.xlsx", [HEADER, ("c-1", "T", "A")])
    for name in [name for name in sys.modules if name.split(".")[0] == "openpyxl"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [_Nothing(), *sys.meta_path])
    with pytest.raises(UsageError, match=r"pip install 'nearfield\[xlsx\]'"):
        read_mapped(path, head())


class _Nothing:
    """Finds no openpyxl."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:  # noqa: ARG002  # Python names it
        if name.split(".")[0] == "openpyxl":
            raise ModuleNotFoundError(f"No module named {name!r}", name="openpyxl")
