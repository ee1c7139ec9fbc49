"""`similar`: items near weighted seeds."""

from collections.abc import Sequence
from typing import Any

from indexing.payload.payload import Payload
from service.loaded.exclusions import Exclusions
from service.loaded.kind_quotas import KindQuota
from service.loaded.known_ids import Found, find_entries
from service.queries.pagination import PaginationState
from service.queries.query_source import PlainSource
from service.queries.stage_tools import StageTools
from service.ranking.nearest import Nearest
from service.schemas.problems import Slug
from service.schemas.requests import SimilarRequest


class Similar:
    """The kind of query."""

    name = "similar"
    request = SimilarRequest
    summary = "Items near weighted seeds"
    description = "Up to 100 seeds, tracks and episodes mixed; a negative weight pushes away. Seeds never come back."
    problems: tuple[Slug, ...] = ("unknown-seeds", "weights-cancel")

    def example(self, items: Sequence[Payload]) -> dict[str, Any]:
        """As QueryKind."""
        return {"seeds": [{"id": items[0].id}]}

    def source(self, query: SimilarRequest, _: PaginationState, tools: StageTools) -> "Seeds":
        """Raises a 400 problem for seeds that are not in the catalogue."""
        return Seeds(find_entries(tools.rows.find, query.seeds, "seeds", query.unknown_seeds), tools)


class Seeds(PlainSource):
    """Items of the catalogue, with weights."""

    def __init__(self, found: Found, tools: StageTools) -> None:
        self._found, self._tools = found, tools
        self.rows = self.seeds = found.rows
        self.skipped = found.skipped
        self.likeness_space: str = tools.release.space

    async def ranking(self, quota: KindQuota, excluded: Exclusions) -> Nearest:
        """What is nearest to them; a 400 problem where their weights cancel."""
        vector = self._tools.query_vectors.of_seeds(self._found.rows, self._found.weights, quota.kind)
        return self._tools.rankings.nearest(vector.vector, using=vector.using, context=quota.context, excluded=excluded)
