"""Ranges of `published_at` to the microsecond, over what points hold: whole seconds, and what comes after them.

A number of 64 bits keeps no microseconds of every year as one float, which is what engines compare; two whole numbers
do. Points of old releases have no fraction, and no condition asks for one of 0, so they are read right, too.
"""

from embedding.rows.times import ceil_us, epoch_us
from indexing.filters.algebra import All, Equals, Filter, NoneOf, Range

_SECOND, _FRACTION = "published_at", "published_fraction_us"
_US = 1_000_000


def posted_range(**bounds: str) -> Filter:
    """`published_range` of bounds as posted: times of any number of digits. What is kept has six, so that a bound
    between two microseconds lies before the later one. ValueError for what is no time."""
    to_us = {"gt": epoch_us, "gte": ceil_us, "lt": ceil_us, "lte": epoch_us}
    return published_range(**{name: to_us[name](bound) for name, bound in bounds.items()})


def published_range(
    *, gt: int | None = None, gte: int | None = None, lt: int | None = None, lte: int | None = None
) -> Filter:
    """Published within all bounds that are given, in microseconds since 1970; one range where seconds tell it all."""
    least = below = most = None
    # Of the second that a bound lies in, what is outside.
    outside: list[Filter] = []
    lower = [(bound, is_open) for bound, is_open in ((gt, True), (gte, False)) if bound is not None]
    upper = [(bound, is_closed) for bound, is_closed in ((lt, False), (lte, True)) if bound is not None]
    if lower:
        bound, is_open = max(lower)
        least, fraction = divmod(bound, _US)
        if fraction or is_open:
            inside = Range(_FRACTION, gt=fraction) if is_open else Range(_FRACTION, gte=fraction)
            outside.append(All((Equals(_SECOND, least), NoneOf((inside,)))))
    if upper:
        bound, is_closed = min(upper)
        second, fraction = divmod(bound, _US)
        if fraction or is_closed:
            most = second
            beyond = Range(_FRACTION, gt=fraction) if is_closed else Range(_FRACTION, gte=fraction)
            outside.append(All((Equals(_SECOND, second), beyond)))
        else:
            below = second
    within = Range(_SECOND, gte=least, lt=below, lte=most)
    return All((within, NoneOf(tuple(outside)))) if outside else within
