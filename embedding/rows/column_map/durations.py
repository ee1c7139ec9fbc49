"""Lengths of time as tables write them, in seconds: numbers of a unit, `3:34`, and a spreadsheet's times of day."""

import re
from datetime import time, timedelta
from typing import Any

_CLOCK = re.compile(r"(?:(\d+):(?=\d\d:))?(\d+):(\d\d(?:\.\d+)?)", re.ASCII)
_UNITS = {"s": 1.0, "ms": 0.001, "min": 60.0}


def seconds(cell: Any, unit: str) -> float:
    """The seconds that `cell` (a number, text, or a spreadsheet's time) is in `unit`; ValueError in words otherwise.

    `m:s` reads `3:34`, `62:03` and `1:02:03`. Typed into a spreadsheet, `3:34` becomes 3 hours and 34 minutes: such a
    cell is minutes and seconds by `m:s`, and hours, minutes and seconds by `h:m:s`.
    """
    if isinstance(cell, bool) or unit not in (*_UNITS, "m:s", "h:m:s"):
        raise ValueError("a length of time")
    if isinstance(cell, time):
        cell = timedelta(hours=cell.hour, minutes=cell.minute, seconds=cell.second, microseconds=cell.microsecond)
    if unit in _UNITS:
        if not isinstance(cell, (int, float)):
            raise ValueError(f'a number of {unit} (for 3:34 the unit is "m:s")')
        return cell / 1000 if unit == "ms" else cell * _UNITS[unit]
    if isinstance(cell, timedelta):
        return _spreadsheet_time(cell, unit)
    if not isinstance(cell, str):
        raise ValueError(f"a length such as {_example(unit)}, or a cell that the spreadsheet shows so")
    found = _CLOCK.fullmatch(cell.strip())
    if found is None or (unit == "h:m:s" and found[1] is None):
        raise ValueError(f"a length such as {_example(unit)}")
    hours, minutes, rest = int(found[1] or 0), int(found[2]), float(found[3])
    if rest >= 60 or (found[1] is not None and minutes >= 60):
        raise ValueError(f"a length such as {_example(unit)}, with less than 60 seconds and minutes")
    return hours * 3600 + minutes * 60 + rest


def _spreadsheet_time(length: timedelta, unit: str) -> float:
    total_s = length.total_seconds()
    if unit == "h:m:s":
        return total_s
    # What was typed as minutes and seconds is kept as hours and minutes.
    if total_s % 60:
        raise ValueError("minutes and seconds that the spreadsheet keeps as h:mm; this cell has seconds, as h:m:s has")
    return total_s / 60


def _example(unit: str) -> str:
    return "3:34" if unit == "m:s" else "0:03:34"
