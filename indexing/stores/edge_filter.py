"""The filter algebra as a filter of Qdrant Edge."""

from typing import cast

import qdrant_edge as edge

from indexing.filters.algebra import All, AnyOf, Equals, Filter, HasId, NoneOf, OneOf, Range
from indexing.filters.check import check_filter

_Condition = edge.Filter | edge.FieldCondition | edge.HasIdCondition


def edge_filter(where: Filter) -> edge.Filter:
    """`where` for the embedded engine; FilterError when a field cannot be asked so."""
    check_filter(where)
    return _filter(where)


def _filter(where: Filter) -> edge.Filter:
    match where:
        case All():
            # `must_not` beside `must` instead of a nested filter: the planner then sees every condition at once.
            return edge.Filter(
                must=[_condition(part) for part in where.parts if not isinstance(part, NoneOf)],
                must_not=[_condition(c) for part in where.parts if isinstance(part, NoneOf) for c in part.parts],
            )
        case AnyOf():
            if not where.parts:
                # An empty `should` passes everything in the engine; here it must pass nothing.
                return edge.Filter(must=[edge.HasIdCondition(set())])
            return edge.Filter(should=[_condition(part) for part in where.parts])
        case NoneOf():
            return edge.Filter(must_not=[_condition(part) for part in where.parts])
        case _:
            return edge.Filter(must=[_condition(where)])


def _condition(where: Filter) -> _Condition:
    match where:
        case Equals():
            return edge.FieldCondition(where.field, match=edge.MatchValue(where.value))
        case OneOf():
            return edge.FieldCondition(
                where.field, match=edge.MatchAny(cast("list[str] | list[int]", list(where.values)))
            )
        case Range():
            tight = where.tightened()
            bounds = edge.RangeFloat(gte=tight.gte, gt=tight.gt, lte=tight.lte, lt=tight.lt)
            return edge.FieldCondition(where.field, range=bounds)
        case HasId():
            return edge.HasIdCondition(set(where.rows))
        case _:
            return _filter(where)
