"""Deals as DDEX and its tables tell them (territories, those excepted, first and last day) made into windows.

The last day is included: a window closes when that day ends in its territory. Where a territory has several time
zones, it opens when the first day has begun in all of them, and closes when the last day has ended in one.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import MAXYEAR, date, datetime, timedelta
from functools import lru_cache
from typing import Any

from embedding.rows.column_map.conversions import Misfit, check_format, converted, is_blank_cell, parsed
from embedding.rows.column_map.declaration import Deal
from embedding.rows.column_map.territory_days import end, first_second, midnight, zone_named
from embedding.rows.markets import EVERYWHERE_CODE, TERRITORIES, expected_market, is_market
from embedding.rows.rejects import Fault, shown

Windows = tuple[dict[str, str], ...]

_WORLDWIDE = r"(?:world ?wide|the world|world|global|ww|\*)"
_EXCEPT = re.compile(
    rf"{_WORLDWIDE}[ (,;]{{0,3}}(?:except(?: for)?|excluding|excl|ex|without|minus|but not|-)[ .:]{{1,3}}([^()]+)\)?",
    re.IGNORECASE,
)
_EVERYWHERE = re.compile(_WORLDWIDE, re.IGNORECASE)
_CODES = re.compile(r"[\s,;|/]+")
_LAST_DAY = date(MAXYEAR, 12, 31)


class DealColumns:
    """One deal of a map, ready to read rows."""

    def __init__(self, deal: Deal) -> None:
        """ValueError for a date format or a zone that is none."""
        self._deal = deal
        self._zone = None if deal.days == "territory" else zone_named(deal.days)
        if deal.date is not None:
            check_format(deal.date)
        self.columns = tuple(c for c in (deal.territories, deal.except_, deal.from_, deal.until) if c is not None)

    def windows(self, row: dict[str, Any], faults: list[Fault]) -> Windows:
        """The windows of `row`, none where the deal's columns are all empty or one is bad, which goes to `faults`."""
        if all(is_blank_cell(row.get(column)) for column in self.columns):
            return ()
        before = len(faults)
        territories = self._read(row, self._deal.territories, faults, self._territories)
        excepted = self._read(row, self._deal.except_, faults, self._codes)
        first = self._read(row, self._deal.from_, faults, self._day)
        last = self._read(row, self._deal.until, faults, self._day)
        if len(faults) > before:
            return ()
        if territories is None:
            faults.append(_fault(self._deal.territories, "territories of a deal that has a date", None))
            return ()
        try:
            windows = self._dated(territories, excepted or (), first, last)
        except OverflowError:
            faults.append(
                _fault(self._deal.from_ or self._deal.until or "", "days in the years 1 to 9999", first or last)
            )
            return ()
        except Misfit as misfit:
            faults.append(_fault(self._deal.until or self._deal.territories, misfit.expected, last))
            return ()
        return windows

    def _dated(self, territories: tuple[str, ...], excepted: tuple[str, ...], first: Any, last: Any) -> Windows:
        return _windows(territories, excepted, first, None if last == _LAST_DAY else last, self._zone)

    def _read(self, row: dict[str, Any], column: str | None, faults: list[Fault], convert: Any) -> Any:
        cell = None if column is None else row.get(column)
        if column is None or is_blank_cell(cell):
            return None
        try:
            return converted(convert, cell)
        except Misfit as misfit:
            faults.append(_fault(column, misfit.expected, cell))
            return None

    def _territories(self, cell: Any) -> tuple[str, ...]:
        if isinstance(cell, str):
            text = " ".join(cell.split())
            if _EVERYWHERE.fullmatch(text):
                return (EVERYWHERE_CODE,)
            found = _EXCEPT.fullmatch(text)
            if found:
                return _without((EVERYWHERE_CODE,), _checked(_CODES.split(found[1].strip())))
        return self._codes(cell)

    def _codes(self, cell: Any) -> tuple[str, ...]:
        parts = cell.split(self._deal.separator) if isinstance(cell, str) else cell
        if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
            raise Misfit("codes of territories, or Worldwide")
        return _checked(part.strip() for part in parts if part.strip())

    def _day(self, cell: Any) -> date:
        if isinstance(cell, str):
            if self._deal.date is None:
                raise Misfit('a date cell; for text the deal names a format, such as date = "%d/%m/%Y"')
            cell = parsed(cell, self._deal.date)
        if isinstance(cell, datetime):
            if cell.tzinfo is not None or cell.time() != datetime.min.time():
                raise Misfit("a day; windows with a time of day belong in availability")
            return cell.date()
        if not isinstance(cell, date):
            raise Misfit("a date")
        return cell


def is_worldwide(text: str) -> bool:
    """Whether territories are written as the whole world, or as all of it but some."""
    words = " ".join(text.split())
    return _EVERYWHERE.fullmatch(words) is not None or _EXCEPT.fullmatch(words) is not None


def _checked(codes: Iterable[str]) -> tuple[str, ...]:
    """Each code once, however often a cell repeats it; Misfit for one that is none."""
    distinct = tuple(dict.fromkeys(codes))
    for code in distinct:
        if not is_market(code):
            raise Misfit(
                f"{expected_market(code)}, or Worldwide, or Worldwide except with codes; {shown(code)} is none"
            )
    if not distinct:
        raise Misfit("codes of territories, or Worldwide")
    return distinct


def _without(territories: tuple[str, ...], excepted: tuple[str, ...]) -> tuple[str, ...]:
    everywhere = EVERYWHERE_CODE in territories
    return tuple(code for code in (TERRITORIES if everywhere else territories) if code not in excepted)


@lru_cache(maxsize=4_096)
def _windows(
    territories: tuple[str, ...], excepted: tuple[str, ...], first: date | None, last: date | None, zone: Any
) -> Windows:
    """A window for each territory; one for everywhere where no territory is left out and no clock of its own counts."""
    if excepted:
        territories = _without(territories, excepted)
    if not territories:
        raise Misfit("territories that are not all excepted")
    if EVERYWHERE_CODE in territories:
        dated_alone = zone is None and (first is not None or last is not None)
        territories = TERRITORIES if dated_alone else (EVERYWHERE_CODE,)
    return tuple(_each(dict.fromkeys(territories), first, last, zone))


def _each(territories: dict[str, None], first: date | None, last: date | None, zone: Any) -> Iterator[dict[str, str]]:
    for code in territories:
        window, opens = {"market": code}, None
        if first is not None:
            opens = first_second(code, first) if zone is None else midnight(zone, first)
            window["from"] = opens.isoformat()
        if last is not None:
            closes = end(code, last) if zone is None else midnight(zone, last + timedelta(days=1))
            if opens is not None and closes <= opens:
                raise Misfit(f"a last day after the first ({first})")
            window["until"] = closes.isoformat()
        yield window


def _fault(column: str, expected: str, came: Any) -> Fault:
    return Fault(f"availability (column {shown(column)[1:-1]})", expected, shown(came))
