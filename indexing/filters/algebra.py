"""The filter algebra: frozen Structs that say which items pass, read three ways.

The readings (Edge filter, server filter, Python predicate) live in their own modules and must agree on every
item: `indexing/filters/predicate.py`, `indexing/stores/edge_filter.py`, `indexing/stores/server_filter.py`.
A condition on a field that an item does not have does not hold; on a list field it holds when any value does.
"""

from msgspec import Struct

Value = str | int


class All(Struct, frozen=True, tag_field="op", tag="all"):
    """Holds when every part does; holds for everything when there is no part."""

    parts: tuple["Filter", ...]


class AnyOf(Struct, frozen=True, tag_field="op", tag="any"):
    """Holds when at least one part does; holds for nothing when there is no part."""

    parts: tuple["Filter", ...]


class NoneOf(Struct, frozen=True, tag_field="op", tag="none"):
    """Holds when no part does."""

    parts: tuple["Filter", ...]


class Equals(Struct, frozen=True, tag_field="op", tag="equals"):
    """The field, or one of its values, is `value`."""

    field: str
    value: Value


class OneOf(Struct, frozen=True, tag_field="op", tag="one_of"):
    """The field, or one of its values, is among `values`; all are strings or all are integers."""

    field: str
    values: frozenset[str] | frozenset[int]


class Range(Struct, frozen=True, tag_field="op", tag="range"):
    """The number lies within every bound that is given."""

    field: str
    gt: float | None = None
    gte: float | None = None
    lt: float | None = None
    lte: float | None = None

    def tightened(self) -> "Range":
        """The same numbers, with at most one bound on each side: the engine drops `lte` where there is `lt` too."""
        gt, gte, lt, lte = self.gt, self.gte, self.lt, self.lte
        if gt is not None and gte is not None:
            gt, gte = (gt, None) if gt >= gte else (None, gte)
        if lt is not None and lte is not None:
            lt, lte = (lt, None) if lt <= lte else (None, lte)
        return Range(self.field, gt=gt, gte=gte, lt=lt, lte=lte)


class HasId(Struct, frozen=True, tag_field="op", tag="has_id"):
    """The point's row number is among `rows`."""

    rows: frozenset[int]


Filter = All | AnyOf | NoneOf | Equals | OneOf | Range | HasId

EVERYTHING = All(())


# A field that is the finer part of another: whoever asks for it asks for that one.
_PART_OF = {"published_fraction_us": "published_at"}


def fields_of(where: Filter) -> frozenset[str]:
    """Names of the fields that `where` has conditions on; row numbers count as the field `id`, and what comes after a
    whole second as the time."""
    match where:
        case All() | AnyOf() | NoneOf():
            return frozenset().union(*(fields_of(part) for part in where.parts))
        case HasId():
            return frozenset({"id"})
        case _:
            return frozenset({_PART_OF.get(where.field, where.field)})
