"""The filter algebra as a filter of a Qdrant server."""

from typing import cast

from qdrant_client import models

from indexing.filters.algebra import All, AnyOf, Equals, Filter, HasId, NoneOf, OneOf, Range
from indexing.filters.check import check_filter


def server_filter(where: Filter) -> models.Filter:
    """`where` for a server; FilterError when a field cannot be asked so."""
    check_filter(where)
    return _filter(where)


def _filter(where: Filter) -> models.Filter:
    match where:
        case All():
            # `must_not` beside `must` instead of a nested filter: the planner then sees every condition at once.
            return models.Filter(
                must=[_condition(part) for part in where.parts if not isinstance(part, NoneOf)],
                must_not=[_condition(c) for part in where.parts if isinstance(part, NoneOf) for c in part.parts],
            )
        case AnyOf():
            if not where.parts:
                # An empty `should` passes everything in the engine; here it must pass nothing.
                return models.Filter(must=[models.HasIdCondition(has_id=[])])
            return models.Filter(should=[_condition(part) for part in where.parts])
        case NoneOf():
            return models.Filter(must_not=[_condition(part) for part in where.parts])
        case _:
            return models.Filter(must=[_condition(where)])


def _condition(where: Filter) -> models.Condition:
    match where:
        case Equals():
            return models.FieldCondition(key=where.field, match=models.MatchValue(value=where.value))
        case OneOf():
            return models.FieldCondition(
                key=where.field, match=models.MatchAny(any=cast("list[str] | list[int]", list(where.values)))
            )
        case Range():
            tight = where.tightened()
            bounds = models.Range(gte=tight.gte, gt=tight.gt, lte=tight.lte, lt=tight.lt)
            return models.FieldCondition(key=where.field, range=bounds)
        case HasId():
            return models.HasIdCondition(has_id=list(where.rows))
        case _:
            return _filter(where)
