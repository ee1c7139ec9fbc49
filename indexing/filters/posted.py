"""A request's own filter, as posted in JSON, read strictly into the filter algebra.

    {"all": [{"field": "tags", "one_of": ["jazz"]}, {"field": "duration_s", "range": {"lt": 600}}]}

People ask for the catalogue's fields; what a point holds of them (prefixes of languages, keys of creators, codes) is
filled in here.
"""

import difflib
import sys
from collections.abc import Callable, Mapping
from typing import Any, get_args

from msgspec import Struct

from embedding.rows.languages import RANGE_RULE, expected_range, is_language_range
from embedding.rows.names import name_key
from embedding.rows.schema import Kind
from embedding.rows.times import EXPECTED_TIME, epoch_us
from indexing.errors import PostedFilterError
from indexing.filters.algebra import All, AnyOf, Filter, NoneOf, OneOf, Range
from indexing.filters.published import posted_range
from indexing.filters.spoken import spoken
from indexing.payload.payload import EXPLICIT_NO, EXPLICIT_YES, MOST_INTEGER, FieldType, extra_field

# Nobody writes more by hand; a program that does should ask twice. Rules around it are three deep.
MAX_DEPTH = 8
MAX_CONDITIONS = 100
MAX_VALUES = 1_000
MAX_CHARACTERS = 1_000
# The largest that a float holds.
MOST_NUMBER = sys.float_info.max
JOINS: dict[str, Callable[[tuple[Filter, ...]], Filter]] = {"all": All, "any": AnyOf, "none": NoneOf}
_ASKS = ("equals", "one_of", "range")
_BOUNDS = ("gt", "gte", "lt", "lte")

Read = Callable[[Any], str | int | float | None]


class _Field(Struct, frozen=True):
    """How a field may be asked: its name in the algebra, the asks that it takes, how a value is read (None: it cannot
    be); how values and a range are asked for, where not by one condition; what is told of a value that cannot be read,
    where that depends on it."""

    name: str
    asks: tuple[str, ...]
    expected: str
    read: Read
    among: Callable[[frozenset[str]], Filter] | None = None
    ranged: Callable[..., Filter] | None = None
    told: Callable[[Any], str] | None = None

    def within(self, bounds: Mapping[str, Any]) -> Filter:
        """That a point's number lies within `bounds`, as `read` gave them."""
        if self.ranged is not None:
            return self.ranged(**bounds)
        return Range(self.name, **{key: float(bound) for key, bound in bounds.items()})


def _keyword(value: Any) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= MAX_CHARACTERS else None


def _kind(value: Any) -> str | None:
    return value if value in get_args(Kind) else None


def _language(value: Any) -> str | None:
    return value if isinstance(value, str) and is_language_range(value) else None


def _creator(value: Any) -> str | None:
    keyword = _keyword(value)
    return None if keyword is None else name_key(keyword)


def _flag(value: Any) -> int | None:
    return (EXPLICIT_YES if value else EXPLICIT_NO) if isinstance(value, bool) else None


def _integer(value: Any) -> int | None:
    if isinstance(value, float) and value.is_integer():
        # 10.0 is the integer to JSON Schema, and so to clients that go by it.
        value = int(value)
    return value if type(value) is int and abs(value) <= MOST_INTEGER else None


def _number(value: Any) -> float | None:
    if type(value) not in (int, float) or abs(value) > MOST_NUMBER:
        return None
    return float(value)


def _time(value: Any) -> str | None:
    """The text itself, where it is a time: which microsecond it stands for depends on the bound."""
    try:
        return value if isinstance(value, str) and epoch_us(value) is not None else None
    except ValueError:
        return None


_VALUES, _NUMBERS = ("equals", "one_of"), ("equals", "one_of", "range")
_STRING, _WHOLE = "a string of 1 to 1,000 characters", "a whole number within 9,007,199,254,740,991 of 0"
FIELDS = {
    "kind": _Field("kind", _VALUES, "'track' or 'episode'", _kind),
    "tags": _Field("tags", _VALUES, _STRING, _keyword),
    "language": _Field("languages", _VALUES, RANGE_RULE, _language, spoken, told=expected_range),
    "creators": _Field("creator_keys", _VALUES, _STRING, _creator),
    "explicit": _Field("explicit", ("equals",), "true or false", _flag),
    "min_age": _Field("min_age", _NUMBERS, _WHOLE, _integer),
    "duration_s": _Field("duration_s", ("range",), "a number of seconds", _number),
    "published_at": _Field("published_at", ("range",), EXPECTED_TIME, _time, ranged=posted_range),
}
_EXTRA: dict[FieldType, tuple[tuple[str, ...], str, Read]] = {
    "keyword": (_VALUES, _STRING, _keyword),
    "integer": (_NUMBERS, _WHOLE, _integer),
    "float": (("range",), "a number", _number),
}


class Posted:
    """Reads filters over the catalogue's fields and the declared fields of `extra`, given by name and type."""

    def __init__(self, extra: Mapping[str, FieldType]) -> None:
        self._fields = dict(FIELDS)
        for name, field_type in extra.items():
            self._fields[f"extra.{name}"] = _Field(extra_field(name, field_type), *_EXTRA[field_type])

    @property
    def asks(self) -> dict[str, tuple[str, ...]]:
        """How each field may be asked: `equals`, `one_of`, `range`."""
        return {name: field.asks for name, field in self._fields.items()}

    def read(self, posted: Any) -> Filter:
        """The filter; PostedFilterError says where in it what was expected and what came."""
        conditions = [0]
        return self._read(posted, "filter", 1, conditions)

    def _read(self, posted: Any, path: str, depth: int, conditions: list[int]) -> Filter:
        if depth > MAX_DEPTH:
            raise PostedFilterError("filter", f"a filter nested at most {MAX_DEPTH} deep", "one that is deeper")
        if not isinstance(posted, dict):
            raise PostedFilterError(path, "an object with all, any or none, or with field", posted)
        if "field" in posted:
            conditions[0] += 1
            if conditions[0] > MAX_CONDITIONS:
                raise PostedFilterError("filter", f"at most {MAX_CONDITIONS} conditions in all", "more")
            return self._condition(posted, path)
        if len(posted) != 1 or (join := next(iter(posted))) not in JOINS:
            raise PostedFilterError(path, "one of all, any and none, alone, or a field", ", ".join(posted) or "neither")
        parts = posted[join]
        if not isinstance(parts, list) or not parts:
            raise PostedFilterError(f"{path}.{join}", "a list of one or more filters", parts)
        read = (self._read(part, f"{path}.{join}[{at}]", depth + 1, conditions) for at, part in enumerate(parts))
        return JOINS[join](tuple(read))

    def _condition(self, posted: dict[str, Any], path: str) -> Filter:
        name = posted["field"]
        field = self._fields.get(name) if isinstance(name, str) else None
        if field is None:
            there_are = ", ".join(sorted(self._fields))
            close = difflib.get_close_matches(str(name), self._fields, n=1)
            hint = f" (did you mean {close[0]}?)" if close else ""
            raise PostedFilterError(f"{path}.field", f"one of {there_are}{hint}", name)
        asks = [key for key in posted if key != "field"]
        if len(asks) != 1 or asks[0] not in field.asks:
            takes = " or ".join(field.asks)
            raise PostedFilterError(path, f"{takes} beside the field {name}", ", ".join(asks) or "nothing")
        (ask,) = asks
        at, value = f"{path}.{ask}", posted[ask]
        if ask == "range":
            return _range(field, value, at)
        if ask == "equals":
            return _one_of(field, [value], at)
        if not isinstance(value, list) or not 0 < len(value) <= MAX_VALUES:
            raise PostedFilterError(at, f"a list of 1 to {MAX_VALUES:,} values, each {field.expected}", value)
        return _one_of(field, value, at)


def _one_of(field: _Field, values: list[Any], path: str) -> Filter:
    # One type a field, as its reader gives.
    read: frozenset[Any] = frozenset(_value(field, value, path) for value in values)
    return OneOf(field.name, read) if field.among is None else field.among(read)


def _range(field: _Field, posted: Any, path: str) -> Filter:
    if not isinstance(posted, dict) or not posted or not set(posted) <= set(_BOUNDS):
        raise PostedFilterError(path, "an object with one or more of gt, gte, lt and lte", posted)
    bounds = {key: _value(field, bound, f"{path}.{key}") for key, bound in posted.items()}
    return field.within(bounds)


def _value(field: _Field, value: Any, path: str) -> str | int | float:
    read = field.read(value)
    if read is None:
        raise PostedFilterError(path, field.expected if field.told is None else field.told(value), value)
    return read
