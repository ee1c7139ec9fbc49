"""What a cell of a workbook holds, in Python's types; a cell without a value that can be told says why."""

import re
from datetime import date, datetime, time, timedelta
from typing import Any, Protocol

CellValue = str | int | float | bool | date | datetime | time | timedelta | None

# Beyond 15 digits a spreadsheet rounds, whatever it shows.
_MOST_EXACT = 10**15
_ZEROS = re.compile("0{2,}")


class BrokenCell:
    """A cell that has something in it but no value: `expected` says what to do, its text what is there."""

    def __init__(self, expected: str, content: str) -> None:
        self.expected = expected
        self._content = content

    def __str__(self) -> str:
        return self._content


class WorkbookCell(Protocol):
    """A cell as openpyxl reads it: `data_type` is "e" for an error and "f" for a formula."""

    @property
    def value(self) -> Any: ...

    @property
    def data_type(self) -> str: ...

    @property
    def number_format(self) -> str | None: ...


def cell_content(cell: WorkbookCell, computed: WorkbookCell | None) -> CellValue | BrokenCell:
    """The value of `cell`; `computed`: the same cell with what a formula came to when the workbook was saved."""
    if computed is not None and cell.data_type == "f":
        # A formula that came to an empty text has a type.
        if computed.value is None and computed.data_type == "n":
            formula = getattr(cell.value, "text", cell.value)
            return BrokenCell("a value; this formula was never computed: open the workbook and save it", str(formula))
        cell = computed
    value = cell.value
    if cell.data_type == "e":
        return BrokenCell("a value, not an error of the spreadsheet", str(value))
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value if isinstance(value, (str, bool, date, time, timedelta)) or value is None else str(value)
    if isinstance(value, int) and _ZEROS.fullmatch(cell.number_format or ""):
        # 0042, kept as 42 and shown with the zeros that it was typed with.
        return str(value).zfill(len(cell.number_format or ""))
    return float(value) if abs(value) >= _MOST_EXACT else value
