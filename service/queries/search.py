"""`search`: items that match a text, and are near to seeds as well where there are any."""

from collections.abc import Mapping, Sequence
from typing import Any

from indexing.payload.payload import Payload
from service.arranging.page import Page
from service.arranging.short_reason import few_matching
from service.loaded.exclusions import Exclusions
from service.loaded.kind_quotas import KindQuota
from service.queries.pagination import PaginationState
from service.queries.query_source import PlainSource
from service.queries.similar import Seeds, seeds_of
from service.queries.stage_tools import StageTools
from service.ranking.contract import Ranking
from service.ranking.fusions import FUSIONS
from service.ranking.search_modes import SEARCH_MODES
from service.schemas.answers import Passage
from service.schemas.problems import Slug
from service.schemas.requests import SearchRequest


class Search:
    """The kind of query."""

    name = "search"
    request = SearchRequest
    summary = "Items that match a text"
    description = (
        "By words (BM25) and by meaning (the text encoder's vectors) of titles, creators, albums, tags and texts.\n\n"
        "Items of just that title come first, then those of a creator of that name. In the mode `tower` by what "
        "listeners hear together, where the release's model has learnt text queries."
    )
    problems: tuple[Slug, ...] = (
        "encoder-loading",
        "encoder-absent",
        "release-without-text",
        "release-without-queries",
    )

    def example(self, items: Sequence[Payload]) -> dict[str, Any]:
        """As QueryKind."""
        return {"text": items[0].title}

    def source(self, query: SearchRequest, _: PaginationState, tools: StageTools) -> "Words":
        """Raises a 400 problem for seeds that are not in the catalogue."""
        return Words(query, seeds_of(query, tools), tools)


class Words(PlainSource):
    """A text, in one of the search modes, with the seeds that were given beside it."""

    def __init__(self, query: SearchRequest, near: Seeds, tools: StageTools) -> None:
        self._query, self._near, self._tools = query, near, tools
        self._mode = SEARCH_MODES[query.mode]
        self.rows = self.seeds = near.rows
        self.skipped = near.skipped
        self.likeness_space = self._mode.likeness_space(tools.release)
        # One ranking of texts has both kinds right; seeds and the tower only those of which likes were seen.
        together = query.mix is None if near.is_empty else near.kinds_together
        self.kinds_together = together and self._mode.ranks_all_kinds(tools.kind_quotas)

    async def ranking(self, quota: KindQuota, excluded: Exclusions) -> Ranking:
        """What matches the text; fused by rank with what is near to the seeds, where there are any.

        Raises the problems of TextSearch, and a 400 problem where the weights of seeds cancel.
        """
        by_text = await self._tools.text_search.ranking(self._mode, self._query.text, quota, excluded)
        if self._near.is_empty:
            return by_text
        return FUSIONS["rrf"].fuse(self._tools.rows, (by_text, await self._near.ranking(quota, excluded)))

    async def passages(self, rows: list[int]) -> Mapping[int, Passage]:
        """As QuerySource."""
        return await self._tools.text_search.passages(self._mode, self._query.text, rows)

    def short_reason(self, page: Page, num_shown_before: int) -> str | None:
        """Of words alone: whatever the rules let pass, no more items match."""
        if self._mode.by_words_alone and self._near.is_empty:
            return few_matching(num_shown_before + len(page.rows))
        return None
