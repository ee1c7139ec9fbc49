"""A query that was understood: what it ranks and how that is shown; what answers, explains and says why go by."""

from collections.abc import Sequence

from msgspec import Struct

from service.excluded import Excluded
from service.ranking import Ranking
from service.requests import Query
from service.turns import Turn


class Asked(Struct, frozen=True):
    """`using` is the space in which likeness is measured; `seeds` are rows that it was asked with."""

    query: Query
    turn: Turn
    ranking: Ranking
    using: str
    excluded: Excluded
    seeds: Sequence[int] = ()
    skipped: tuple[str, ...] = ()
