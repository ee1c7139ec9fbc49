"""Which conditions a field takes: what every reading refuses before it reads a filter.

A condition that could never hold (a string asked of a number) would match nothing in silence, and the engines
differ on some (a whole number equals a float in one of them): both are errors here, once for all readings.
"""

import math
from collections.abc import Iterable

from indexing.errors import FilterError
from indexing.filters.algebra import All, AnyOf, Equals, Filter, HasId, NoneOf, OneOf, Range
from indexing.payload.payload import INDEXED_FIELDS, MOST_INTEGER, FieldType, extra_of

# Rules nest 3 deep. The engine walks a filter by recursion, on a stack that we do not choose.
MAX_DEPTH = 32

_NUM_INT64 = range(-(2**63), 2**63)
_TAKES: dict[FieldType, tuple[str, type]] = {
    "keyword": ("equals and one_of, with strings", str),
    "code": ("equals and one_of, with whole numbers", int),
    "integer": ("equals and one_of, with whole numbers, and range", int),
    "float": ("range only", float),
}


def check_filter(where: Filter) -> None:
    """FilterError when `where` is nested too deeply or asks of a field what its type does not take."""
    _check(where, 1)


def _check(where: Filter, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise FilterError(f"a filter may be nested {MAX_DEPTH} deep, this one is deeper: flatten it")
    match where:
        case All() | AnyOf() | NoneOf():
            for part in where.parts:
                _check(part, depth + 1)
        case Equals():
            _check_values(where.field, (where.value,))
        case OneOf():
            _check_values(where.field, where.values)
        case Range():
            _check_range(where)
        case HasId():
            if any(row < 0 for row in where.rows):
                raise FilterError(f"rows are numbers from 0 up, has_id came with {min(where.rows)}")


def _type_of(field: str) -> FieldType:
    if (found := INDEXED_FIELDS.get(field)) is not None:
        return found
    if (extra := extra_of(field)) is not None:
        return extra[1]
    raise FilterError(
        f"no field {field!r} to filter by; there are {', '.join(sorted(INDEXED_FIELDS))}, and extra.TYPE.NAME"
    )


def _check_values(field: str, values: Iterable[str | int]) -> None:
    field_type = _type_of(field)
    takes, expected = _TAKES[field_type]
    for value in values:
        # `type`, not `isinstance`: True is an int to Python and matches nothing in the engine.
        if type(value) is not expected or field_type == "float":
            raise FilterError(f"field {field!r} takes {takes}; {value!r} came")
        if expected is int and value not in _NUM_INT64:
            raise FilterError(f"field {field!r} takes whole numbers of 64 bits; {value!r} came")


def _check_range(where: Range) -> None:
    field_type = _type_of(where.field)
    if field_type not in ("integer", "float"):
        raise FilterError(f"field {where.field!r} takes {_TAKES[field_type][0]}; a range came")
    for bound in (where.gt, where.gte, where.lt, where.lte):
        # The engine panics on a bound that is not a number (qdrant-edge-py 0.9.0, docs/log.md).
        if bound is not None and math.isnan(bound):
            raise FilterError(f"a range of {where.field!r} takes numbers as bounds; NaN came")
        if field_type == "integer" and bound is not None and MOST_INTEGER < abs(bound) < math.inf:
            raise FilterError(f"a range of {where.field!r} takes bounds up to {MOST_INTEGER}; {bound:g} came")
