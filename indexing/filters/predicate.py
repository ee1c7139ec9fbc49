"""The filter algebra read as plain Python: one function of a point's row and payload, compiled to closures.

This reading re-checks every hit before it leaves, so it is written to be called a million times.
"""

import operator
from collections.abc import Callable, Set
from typing import Any

from indexing.filters.algebra import All, AnyOf, Equals, Filter, HasId, NoneOf, OneOf, Range
from indexing.filters.check import check_filter
from indexing.payload.payload import LIST_FIELDS, Payload, extra_of, extra_value

# The row is asked by `HasId` alone; a caller whose filter has none may pass any number.
Predicate = Callable[[int, Payload], bool]


def predicate(where: Filter) -> Predicate:
    """`where` as a function of (row, payload); FilterError when a field cannot be asked so."""
    check_filter(where)
    return _compile(where)


def _compile(where: Filter) -> Predicate:
    match where:
        case All():
            return _all([_compile(part) for part in where.parts])
        case AnyOf():
            return _any([_compile(part) for part in where.parts])
        case NoneOf():
            return _not(_any([_compile(part) for part in where.parts]))
        case Equals():
            return _one_of(where.field, frozenset((where.value,)))
        case OneOf():
            return _one_of(where.field, where.values)
        case Range():
            return _range(where)
        case HasId():
            rows = where.rows
            return lambda row, _payload: row in rows


def _all(parts: list[Predicate]) -> Predicate:
    if len(parts) == 1:
        return parts[0]

    def holds(row: int, payload: Payload) -> bool:
        for part in parts:  # noqa: SIM110 - a generator in `all` costs twice the loop
            if not part(row, payload):
                return False
        return True

    return holds


def _any(parts: list[Predicate]) -> Predicate:
    if len(parts) == 1:
        return parts[0]

    def holds(row: int, payload: Payload) -> bool:
        for part in parts:  # noqa: SIM110 - a generator in `any` costs twice the loop
            if part(row, payload):
                return True
        return False

    return holds


def _not(part: Predicate) -> Predicate:
    return lambda row, payload: not part(row, payload)


def _one_of(field: str, values: Set[str | int]) -> Predicate:
    get = _getter(field)
    if field in LIST_FIELDS:
        return lambda _row, payload: not values.isdisjoint(get(payload))
    # None is never among the values, so a missing field does not hold.
    return lambda _row, payload: get(payload) in values


def _range(where: Range) -> Predicate:
    get = _getter(where.field)
    bounds = [
        (compare, bound)
        for compare, bound in (
            (operator.gt, where.gt),
            (operator.ge, where.gte),
            (operator.lt, where.lt),
            (operator.le, where.lte),
        )
        if bound is not None
    ]

    def holds(_row: int, payload: Payload) -> bool:
        value = get(payload)
        if value is None:
            return False
        for compare, bound in bounds:  # noqa: SIM110 - a generator in `all` costs twice the loop
            if not compare(value, bound):
                return False
        return True

    return holds


def _getter(field: str) -> Callable[[Payload], Any]:
    extra = extra_of(field)
    if extra is None:
        return operator.attrgetter(field)
    name, field_type = extra
    return lambda payload: extra_value(payload.extra, name, field_type)
