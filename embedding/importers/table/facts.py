"""What the values of a column tell: the format of its dates, the unit of its lengths, its words, its separator."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from itertools import chain
from typing import Any

from embedding.rows.column_map.conversions import Misfit, parsed, word_of
from embedding.rows.column_map.deals import is_worldwide
from embedding.rows.column_map.durations import seconds
from embedding.rows.rejects import shown

_DAY_FIRST = (
    *("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%y", "%d.%m.%y", "%d-%m-%y"),
    *("%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S"),
)
_MONTH_FIRST = tuple(pattern.replace("%d", "%x").replace("%m", "%d").replace("%x", "%m") for pattern in _DAY_FIRST)
_YEAR_FIRST = ("%y/%m/%d", "%y.%m.%d", "%y-%m-%d")
_PLAIN = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d %B %Y", "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%B %d, %Y"),
    *("%b %d, %Y", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z", "%a, %d %b %Y %H:%M:%S %z"),
    *("%Y-%m", "%Y"),
)
ORDERS = {"": _PLAIN, "day-first": _DAY_FIRST, "month-first": _MONTH_FIRST, "year-first": _YEAR_FIRST}
_SEPARATORS = (";", "|", ",", "/")
_MOST_WORDS = 50


class Undecided(Exception):
    """What a column's values do not tell, in words that say which option tells it."""


class DateFacts:
    """Which formats fit all dates of a column that are text."""

    def __init__(self) -> None:
        self._formats = list(chain.from_iterable(ORDERS.values()))
        self.example: str | None = None
        self._refused = ""

    def add(self, cell: Any) -> None:
        """Look at one cell that is not empty."""
        if not isinstance(cell, str):
            return
        fitting = [pattern for pattern in self._formats if _fits(cell, pattern)]
        if self._formats and not fitting:
            before = "" if self.example is None else f" with those before it, such as {shown(self.example)}"
            self._refused = f"{shown(cell)} shares no known format{before}"
        self._formats = fitting
        # The best one shows what cannot be told: 3 November or 11 March.
        if self.example is None or (
            len(fitting) > 1 and len(_readings(self.example, fitting)) < 2 <= len(_readings(cell, fitting))
        ):
            self.example = cell

    def beside(self, other: "DateFacts") -> "DateFacts":
        """What is told by two columns that are written alike; the facts of this one where no format fits both."""
        shared = [pattern for pattern in self._formats if pattern in other._formats]
        if self.example is None or other.example is None or not shared:
            return self
        both = DateFacts()
        both._formats, both.example = shared, self.example
        return both

    def pattern(self, order: str | None) -> str | None:
        """The format, None where no cell is text; `order`: day-first, month-first, year-first, or the format itself.

        Undecided where the values allow several orders of day and month, or no format.
        """
        if self.example is None or (order is not None and "%" in order):
            return order if self.example is not None else None
        if not self._formats:
            raise Undecided(f"{self._refused}: say --dates FORMAT")
        found = {
            name: pattern
            for name, patterns in ORDERS.items()
            if (pattern := next((p for p in patterns if p in self._formats), None)) is not None
        }
        if len(found) == 1:
            return next(iter(found.values()))
        if order not in found:
            readings = " or ".join(_readings(self.example, found.values()))
            raise Undecided(
                f"{shown(self.example)} may be {readings}, and no value tells the order:"
                f" say --dates {' or --dates '.join(found)}"
            )
        return found[order]


class DurationFacts:
    """How the lengths of a column are written."""

    def __init__(self) -> None:
        self._kinds: Counter[str] = Counter()
        self.example: Any = None

    def add(self, cell: Any) -> None:
        """Look at one cell that is not empty."""
        self.example = cell if self.example is None else self.example
        if isinstance(cell, (time, timedelta)):
            self._kinds["under an hour" if seconds(cell, "h:m:s") < 3600 else "cell"] += 1
            self._kinds["with seconds"] += seconds(cell, "h:m:s") % 60 != 0
        elif isinstance(cell, str) and ":" in cell:
            self._kinds["h:m:s" if cell.count(":") > 1 else "m:s"] += 1
        else:
            self._kinds["number"] += 1

    def unit(self, named: str | None, chosen: str | None) -> str | None:
        """The unit: `chosen` on the command line, `named` by the column, or told by the values; None without values.

        Undecided where none tells it.
        """
        kinds = self._kinds
        if chosen is not None or not kinds.total():
            return chosen
        cells, text = kinds["cell"] + kinds["under an hour"], kinds["m:s"] + kinds["h:m:s"]
        if cells:
            if not kinds["cell"] and kinds["with seconds"]:
                return "h:m:s"
            raise Undecided(
                f"its cells are times of day, such as {self.example}: say --duration-unit m:s where a cell that shows"
                " 3:34 means 3 minutes and 34 seconds, --duration-unit h:m:s where it means hours"
            )
        if text and not kinds["number"]:
            return "m:s" if kinds["m:s"] else "h:m:s"
        if named is not None and not text:
            return named
        raise Undecided(
            f"{shown(self.example)} may be seconds, milliseconds or minutes:"
            " say --duration-unit s, --duration-unit ms or --duration-unit min"
        )


class WordFacts:
    """Which words a column has, without letter case."""

    def __init__(self) -> None:
        self.words: dict[str, None] = {}

    def add(self, cell: Any) -> None:
        """Look at one cell that is not empty."""
        if len(self.words) <= _MOST_WORDS:
            self.words[word_of(cell)] = None


class ListFacts:
    """What stands between the values of a column's cells."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, cell: Any) -> None:
        """Look at one cell that is not empty."""
        if isinstance(cell, str) and not is_worldwide(cell):
            self._counts.update(separator for separator in _SEPARATORS if separator in cell)

    @property
    def separator(self) -> str | None:
        """What most cells have; None where none has any."""
        return max(_SEPARATORS, key=lambda separator: self._counts[separator]) if self._counts else None


class Filled:
    """Whether a column has any value, and the first of them."""

    def __init__(self) -> None:
        self.example: Any = None

    def add(self, cell: Any) -> None:
        """Look at one cell that is not empty."""
        if self.example is None:
            self.example = cell.isoformat() if isinstance(cell, (date, datetime)) else cell


def _readings(text: str, patterns: Iterable[str]) -> list[str]:
    """The days that `text` may be by `patterns`, each once."""
    return list(dict.fromkeys(f"{parsed(text, pattern):%d %B %Y}" for pattern in patterns if _fits(text, pattern)))


def _fits(text: str, pattern: str) -> bool:
    try:
        parsed(text, pattern)
    except Misfit:
        return False
    return True
