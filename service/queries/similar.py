"""`similar`: items near weighted seeds."""

from collections.abc import Sequence, Set
from typing import Any

from embedding.rows.schema import Kind
from indexing.payload.payload import Payload
from service.loaded.exclusions import Exclusions
from service.loaded.kind_quotas import KindQuota, kind_of
from service.loaded.known_ids import Found, find_entries
from service.queries.pagination import PaginationState
from service.queries.posted_vectors import PostedVectors, posted_vectors
from service.queries.query_source import PlainSource
from service.queries.stage_tools import StageTools
from service.ranking.nearest import Nearest
from service.schemas.problems import Slug
from service.schemas.requests import SearchRequest, SimilarRequest


class Similar:
    """The kind of query."""

    name = "similar"
    request = SimilarRequest
    summary = "Items near weighted seeds"
    description = (
        "Up to 100 seeds, tracks and episodes mixed; a negative weight pushes away. Seeds never come back, nor other "
        "rows of their recordings. Without `kinds` or `mix`, of the kinds of its seeds. A seed may be a raw vector in "
        "place of an item: all kinds are then searched in its space."
    )
    problems: tuple[Slug, ...] = ("unknown-seeds", "weights-cancel")

    def example(self, items: Sequence[Payload]) -> dict[str, Any]:
        """As QueryKind."""
        return {"seeds": [{"id": items[0].id}]}

    def source(self, query: SimilarRequest, _: PaginationState, tools: StageTools) -> "Seeds":
        """Raises a 400 problem for seeds that are not in the catalogue."""
        return seeds_of(query, tools)


class Seeds(PlainSource):
    """Items of the catalogue and posted vectors, with weights."""

    def __init__(self, found: Found, posted: PostedVectors | None, tools: StageTools, *, kinds_together: bool) -> None:
        self._found, self._posted, self._tools = found, posted, tools
        self.rows = self.seeds = found.rows
        self.skipped = found.skipped
        self.likeness_space: str = tools.release.space if posted is None else posted.using
        self.kinds_together = kinds_together

    @property
    def kinds(self) -> Set[Kind] | None:
        """Those of the seeds that pull; all where a vector is among them, which is of none."""
        if self._posted is not None or not self.rows:
            return None
        found = self._found
        liked = [row for row, weight in zip(found.rows, found.weights, strict=True) if weight > 0]
        return {kind_of(self._tools.rows, row) for row in liked or found.rows}

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to be near to."""
        return self._posted is None and not self.rows

    async def ranking(self, quota: KindQuota, excluded: Exclusions) -> Nearest:
        """What is nearest to them; a 400 problem where their weights cancel."""
        found, vectors = self._found, self._tools.query_vectors
        if self._posted is None:
            vector = vectors.of_seeds(found.rows, found.weights, quota.kind)
        else:
            vector = vectors.of_posted(found.rows, found.weights, self._posted)
        return self._tools.rankings.nearest(vector.vector, using=vector.using, context=quota.context, excluded=excluded)


def seeds_of(query: SimilarRequest | SearchRequest, tools: StageTools) -> Seeds:
    """The seeds of a query; a 400 problem for those that are not in the catalogue, or no vectors of the release."""
    posted = posted_vectors(query.seeds, tools.release)
    none_will_do = posted is not None or isinstance(query, SearchRequest)
    found = find_entries(tools.rows.find, query.seeds, "seeds", query.unknown_seeds, none_will_do=none_will_do)
    # Who gives a vector says where to look, for whatever kind.
    return Seeds(found, posted, tools, kinds_together=posted is not None and query.mix is None)
