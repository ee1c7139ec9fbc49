"""The kinds of query: what each searches with. A new kind is a file beside these and a line here.

Its route, its place in batches, in `why` and on the OpenAPI page come of that line.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from embedding.registry import Registry
from indexing.payload.payload import Payload
from service.queries.pagination import PaginationState
from service.queries.query_source import QuerySource
from service.queries.recommend import Recommend
from service.queries.search import Search
from service.queries.similar import Similar
from service.queries.stage_tools import StageTools
from service.schemas.problems import Slug
from service.schemas.requests import Query


class QueryKind(Protocol):
    """One kind of query, called like its route."""

    @property
    def name(self) -> str:
        """The last part of its route's path."""

    @property
    def request(self) -> type[Query]:
        """The Struct of its body; each kind has another."""

    @property
    def summary(self) -> str:
        """What it answers, in a few words."""

    @property
    def description(self) -> str:
        """What a client needs to know of it, as Markdown."""

    @property
    def problems(self) -> tuple[Slug, ...]:
        """The problems that it may answer with, besides those of every query."""

    def example(self, items: Sequence[Payload]) -> dict[str, Any]:
        """A body that gives hits, made of one item or more; context and limit are added."""

    def source(self, query: Any, pagination: PaginationState, tools: StageTools) -> QuerySource:
        """What a query of this kind searches with; raises a ProblemError for what cannot be searched with."""


KINDS: tuple[QueryKind, ...] = (Similar(), Recommend(), Search())
QUERY_KINDS: Registry[QueryKind] = Registry("kind of query", KINDS)
_BY_REQUEST = {kind.request: kind for kind in KINDS}


def kind_of(query: Query) -> QueryKind:
    """The kind that a validated query is of."""
    return _BY_REQUEST[type(query)]
