"""A cell as a table has it, made to what its field takes: words, lists, dates, flags; lengths are in `durations`."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Literal

from embedding.rows.column_map.declaration import Source
from embedding.rows.column_map.durations import seconds
from embedding.rows.readers_csv import cell_value
from embedding.rows.row_parser import Cell
from embedding.rows.workbook_cells import BrokenCell

# What a field takes: one of the types of CSV cells, a moment, or text.
FieldType = Cell | Literal["moment", "text"]
Convert = Callable[[Any], Any]

# A spreadsheet keeps no more digits of a number.
_DIGITS = 10**15
_MOST_DIGITS = 600
_OWN_KEYS: dict[str, tuple[FieldType, ...]] = {
    "separator": ("list",),
    "unit": ("number", "time"),
    "date": ("moment", "time"),
    "type": (),
}


class Misfit(ValueError):
    """A cell that cannot be converted; `expected`: what would have been."""

    def __init__(self, expected: str) -> None:
        super().__init__(expected)
        self.expected = expected


def check_keys(source: Source, kind: FieldType, name: str) -> None:
    """ValueError where `source` has a key that means nothing for the field `name`, which is of `kind`."""
    for key, kinds in _OWN_KEYS.items():
        if getattr(source, key) is not None and kind not in kinds:
            raise ValueError(f"{key} means nothing for {name}")
    if source.unit is not None and name not in ("duration_s", "at"):
        raise ValueError(f"unit means nothing for {name}")
    if source.unit not in (None, "s", "ms") and name == "at":
        raise ValueError(f"a time since 1970 is in s or ms, not in {source.unit}")
    if source.date is not None and source.unit is not None:
        raise ValueError("expected a date or a unit, not both")
    if source.date is not None:
        check_format(source.date)


def converter(source: Source, kind: FieldType) -> Convert:
    """The conversion of `source` for a field of `kind`, to None for no value.

    It raises Misfit, and leaves to the field what it refuses.
    """
    return _but_empty(source, _converter(source, kind))


def extra_converter(source: Source) -> Convert:
    """As `converter`, of a value of `extra`: numbers stay numbers and text text, unless `type` says otherwise."""
    return _but_empty(source, _extra_converter(source))


def _but_empty(source: Source, convert: Convert) -> Convert:
    if not source.empty:
        return convert
    empty = frozenset(word_of(word) for word in source.empty)
    return lambda cell: None if word_of(cell) in empty else convert(cell)


def _converter(source: Source, kind: FieldType) -> Convert:
    if source.values is not None:
        return _among({word.strip().casefold(): value for word, value in source.values.items()})
    if kind == "text":
        return as_text
    if kind in ("moment", "time"):
        return _moment(source, kind)
    if kind == "number" and source.unit is not None:
        unit = source.unit
        return lambda cell: _measured(cell, unit)
    if kind == "list":
        return _list(source.separator)
    return lambda cell: _typed(cell, kind)


def _extra_converter(source: Source) -> Convert:
    if source.values is not None:
        return _converter(source, "text")
    if source.type == "text":
        return as_text
    if source.type == "number":
        return _number
    if source.date is not None:
        return _moment(source, "moment")
    return lambda cell: cell.isoformat() if isinstance(cell, (date, datetime)) else _typed(cell, "text")


def converted(convert: Convert, cell: Any) -> Any:
    """`cell` by `convert`; Misfit as that, and for a cell that holds no value."""
    if isinstance(cell, BrokenCell):
        raise Misfit(cell.expected)
    return convert(cell)


def as_text(cell: Any) -> Any:
    """Text as it is, and a number as its digits: a table cannot keep the two apart."""
    if isinstance(cell, bool):
        return cell
    if isinstance(cell, int):
        # A longer one is no text either: Python refuses to write it.
        return str(cell) if abs(cell) < 10**_MOST_DIGITS else cell
    if isinstance(cell, float):
        if not abs(cell) < _DIGITS:
            raise Misfit(
                "text, or a number of at most 15 digits (a spreadsheet keeps no more: format the column as text)"
            )
        return str(int(cell)) if cell.is_integer() else str(cell)
    if isinstance(cell, (date, datetime, time, timedelta)):
        raise Misfit("text; the cell is a date or a time (format the column as text and type it again)")
    return cell


def is_blank_cell(cell: Any) -> bool:
    """Whether a cell holds nothing, or white space alone."""
    return cell is None or (isinstance(cell, str) and (not cell or cell.isspace()))


def word_of(cell: Any) -> str:
    """A cell as it is compared with words: without letter case and white space around it."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return str(cell).strip().casefold()


def _among(values: dict[str, Any]) -> Convert:
    def convert(cell: Any) -> Any:
        word = word_of(cell)
        if word not in values:
            raise Misfit(f"one of the words of the map: {', '.join(values)}")
        return values[word]

    return convert


def _typed(cell: Any, kind: FieldType) -> Any:
    if isinstance(cell, (time, timedelta)):
        raise Misfit('no time of day or length of time; for a duration say its unit, such as unit = "m:s"')
    if isinstance(cell, str) and kind != "text" and kind != "moment":
        return cell_value(cell.strip(), kind)
    return cell


def _number(cell: Any) -> Any:
    number = _typed(cell, "number")
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise Misfit("a number")
    return number


def _measured(cell: Any, unit: str) -> float:
    try:
        return seconds(cell if isinstance(cell, (time, timedelta)) else _typed(cell, "number"), unit)
    except ValueError as error:
        raise Misfit(str(error)) from None
    except OverflowError:
        raise Misfit("a number within reason") from None


def _list(separator: str | None) -> Convert:
    def convert(cell: Any) -> Any:
        if isinstance(cell, str):
            if separator is None:
                return cell_value(cell, "list")
            return [part.strip() for part in cell.split(separator) if part.strip()]
        return cell if isinstance(cell, list) else [as_text(cell)]

    return convert


def _moment(source: Source, kind: FieldType) -> Convert:
    pattern, unit = source.date, source.unit

    def convert(cell: Any) -> Any:
        if isinstance(cell, (date, datetime)):
            return cell.isoformat()
        if unit is not None:
            return _measured(cell, unit)
        if isinstance(cell, str):
            if pattern is not None:
                return parsed(cell, pattern).isoformat()
            return _typed(cell, kind)
        if kind == "moment":
            raise Misfit("a date (a bare number is a date whose cell has lost its format: format the column as a date)")
        return cell

    return convert


@lru_cache(maxsize=65_536)
def parsed(text: str, pattern: str) -> datetime:
    """`text` by the strptime format `pattern`; Misfit where it does not fit."""
    try:
        return datetime.strptime(text.strip(), pattern)
    except ValueError:
        raise Misfit(f"a date in the format {pattern}, such as {datetime(2024, 5, 31).strftime(pattern)}") from None


def check_format(pattern: str) -> None:
    """ValueError where `pattern` is no strptime format of a date with its year."""
    try:
        datetime.strptime(datetime(2024, 5, 31).strftime(pattern), pattern)
    except ValueError as error:
        raise ValueError(f"expected a date format such as %d/%m/%Y, got {pattern!r} ({error})") from None
    if not ("%Y" in pattern or "%y" in pattern) or (
        "%d" in pattern and not any(m in pattern for m in ("%m", "%b", "%B"))
    ):
        raise ValueError(f"expected a date format with a year (%Y), a month and a day, got {pattern!r}")
