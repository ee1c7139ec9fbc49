"""Workbooks that tests write; and what other programs leave in them that openpyxl would not write."""

import re
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.worksheet.worksheet import Worksheet

HEADER = ("Code", "Title", "Artist")


def workbook(
    path: Path,
    rows: Sequence[Sequence[Any]],
    change: Callable[[openpyxl.Workbook, Worksheet], object] = lambda _book, _sheet: None,
) -> Path:
    """A workbook with `rows` on its first sheet, changed by `change` before it is saved."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    for row in rows:
        sheet.append(list(row))
    change(book, sheet)
    book.save(path)
    return path


def edit_sheet(path: Path, pattern: bytes, new: bytes) -> Path:
    """Replace what `pattern` finds in the XML of the first sheet."""
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    name = "xl/worksheets/sheet1.xml"
    parts[name], number = re.subn(pattern, new, parts[name])
    assert number > 0
    with zipfile.ZipFile(path, "w") as changed:
        for part, content in parts.items():
            changed.writestr(part, content)
    return path
