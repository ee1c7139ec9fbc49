"""What can be asked for without a ranking: counts, listings, suggestions; each is made of the selected rows."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from service.browsing.listing import ListedRows
from service.browsing.selected_rows import SelectedRows
from service.loaded.name_words import name_words
from service.queries.resolved_selection import ResolvedSelection
from service.queries.stage_tools import StageTools
from service.schemas.browsing import (
    BrowseAnswer,
    FacetsAnswer,
    FacetsRequest,
    ItemsAnswer,
    ItemsRequest,
    ListedItem,
    SuggestAnswer,
    SuggestRequest,
)
from service.schemas.problems import invalid
from service.schemas.requests import Selection
from service.schemas.row_fields import ROW_FIELDS, field_values
from service.schemas.validation import shown

Made = Callable[[SelectedRows], Any]
Apart = Callable[[Made], Awaitable[Any]]
"""Runs something in a thread, over again where the journal has moved on meanwhile."""


class BrowseKind(Protocol):
    """One kind of request."""

    @property
    def request(self) -> type[Selection]:
        """The Struct of it; each kind has another."""

    async def answer(self, resolved: ResolvedSelection, tools: StageTools, apart: Apart) -> BrowseAnswer:
        """The answer, of the rows that were selected; raises a ProblemError."""


class Facets:
    """Counts by value."""

    request = FacetsRequest

    async def answer(self, resolved: ResolvedSelection, tools: StageTools, apart: Apart) -> FacetsAnswer:
        """As BrowseKind."""
        query = _as(FacetsRequest, resolved.query)
        fields = tuple(dict.fromkeys(query.fields))
        count, facets = await apart(lambda selected: tools.facet_counts.counted(selected, fields, query.limit))
        return FacetsAnswer(count, facets, tools.release.id, tools.rows.revision)


class Suggest:
    """Titles and names by prefix."""

    request = SuggestRequest

    async def answer(self, resolved: ResolvedSelection, tools: StageTools, apart: Apart) -> SuggestAnswer:
        """As BrowseKind: a 503 problem while the names are being read."""
        query = _as(SuggestRequest, resolved.query)
        words = name_words(query.q)
        if not words:
            raise invalid("q", "a letter or a digit of what is to be suggested", shown(query.q))
        index = await tools.loaded.names.of(tools.release)
        found = await apart(lambda selected: tools.suggester.suggested(index, words, selected, query.limit))
        may_come = _rechecked([one.row for one in found], resolved, tools)
        suggestions = [one.suggestion for one in found if one.row in may_come]
        return SuggestAnswer(suggestions, tools.release.id, tools.rows.revision)


class Items:
    """Rows in an order, page by page."""

    request = ItemsRequest

    async def answer(self, resolved: ResolvedSelection, tools: StageTools, apart: Apart) -> ItemsAnswer:
        """As BrowseKind."""
        query = _as(ItemsRequest, resolved.query)
        fields = tuple(name for name in ROW_FIELDS if name != "vector") if query.fields is None else query.fields

        def listed(selected: SelectedRows) -> tuple[ListedRows, list[ListedItem]]:
            page = tools.listing.page(selected, query.order, resolved.begun.position, query.limit)
            return page, [item(row) for row in page.rows]

        def item(row: int) -> ListedItem:
            payload = tools.rows.payload(row)

            def vector() -> list[float]:
                values: list[float] = tools.rows.vectors(tools.release.space, [row])[0].tolist()
                return values

            return ListedItem(payload.id, **field_values(payload, fields, tools.release.classes.windows_of, vector))

        page, items = await apart(listed)
        may_come = _rechecked(page.rows, resolved, tools)
        cursor = None
        if page.more:
            cursor = tools.pagination.next_position(query, resolved.begun.context, page.position)
        shown_items = [one for row, one in zip(page.rows, items, strict=True) if row in may_come]
        return ItemsAnswer(shown_items, tools.release.id, tools.rows.revision, cursor)


BROWSE_KINDS: tuple[BrowseKind, ...] = (Facets(), Suggest(), Items())
_BY_REQUEST = {kind.request: kind for kind in BROWSE_KINDS}


def browse_kind_of(query: Selection) -> BrowseKind:
    """The kind that a validated request is of."""
    return _BY_REQUEST[type(query)]


def _rechecked(rows: list[int], resolved: ResolvedSelection, tools: StageTools) -> set[int]:
    """Those of the rows that may be shown now. No await from here to the answer: the journal cannot move on between."""
    recheck, still_passes = tools.rankings.recheck, resolved.begun.still_passes
    kept = recheck.keep(
        rows,
        [0.0] * len(rows),
        verdict=recheck.verdict(resolved.compiled),
        excluded=resolved.excluded,
        depth=len(rows),
        leaked=set(),
    )
    return {row for row in kept.rows if still_passes is None or still_passes(row)}


def _as(model: type[Any], query: Selection) -> Any:
    assert isinstance(query, model)
    return query
