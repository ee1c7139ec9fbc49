"""A query on its way through the pipeline: each stage adds what it has decided."""

from collections.abc import Mapping, Sequence

from service.arranging.page import Page
from service.loaded.exclusions import Exclusions
from service.loaded.kind_quotas import KindQuota
from service.queries.pagination import PaginationState
from service.queries.query_source import QuerySource
from service.ranking.contract import Ranking
from service.schemas.answers import Explanation, Passage
from service.schemas.requests import Query


class ResolvedQuery:
    """A query and what the stages have decided of it so far; a field that no stage has set yet is not there."""

    pagination: PaginationState
    """Set by the stage `context`."""
    source: QuerySource
    """Set by the stage `query`."""
    excluded: Exclusions
    """Set by the stage `exclusions`."""
    quotas: Sequence[KindQuota]
    """Set by the stage `retrieval`: what is ranked by itself."""
    rankings: Sequence[Ranking | None]
    """Set by the stage `retrieval`: of each quota, None where nothing is known to search with."""
    ranking: Ranking
    """Set by the stage `fallback`: all quotas together."""
    page: Page
    """Set by the stage `arrangement`, with its reason by the stage `page`."""
    next_cursor: str | None
    """Set by the stage `page`."""
    explanations: Mapping[int, Explanation]
    """Set by the stage `explanation`, by row."""
    passages: Mapping[int, Passage]
    """Set by the stage `explanation`, by row."""

    def __init__(self, query: Query, context_field: str = "context.") -> None:
        """`context_field` is where the context's fields stand in the request."""
        self.query = query
        self.context_field = context_field
