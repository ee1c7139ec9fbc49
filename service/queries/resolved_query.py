"""A query that was understood: what it ranks and how that is shown; what answers, explains and says why go by."""

from collections.abc import Sequence

from msgspec import Struct

from service.loaded.exclusions import Exclusions
from service.queries.pagination import PaginationState
from service.ranking.contract import Ranking
from service.schemas.requests import Query


class ResolvedQuery(Struct, frozen=True):
    """`using` is the space in which likeness is measured; `seeds` are rows that it was asked with."""

    query: Query
    turn: PaginationState
    ranking: Ranking
    using: str
    excluded: Exclusions
    seeds: Sequence[int] = ()
    skipped: tuple[str, ...] = ()
