"""Pagination: where a request begins, at the first page or after those that its cursor was given for."""

from collections.abc import Callable
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from indexing.rules.arrangement import Arrangement
from indexing.rules.context import RequestContext
from service.arranging.arranger import ShownBefore
from service.arranging.page import Page
from service.browsing.listing import Position
from service.loaded.kind_quotas import narrowed
from service.loaded.loaded_release import LoadedRelease
from service.loaded.recheck import Recheck
from service.queries.context import ContextDefaults
from service.queries.cursors import MAX_DEPTH, Cursor, Cursors, check_request, expired
from service.queries.request_conditions import RequestConditions
from service.queries.shown_marks import marked, unmarked
from service.schemas.requests import Paged, Query, Selection

_FIRST = ShownBefore()
StillPasses = Callable[[int], bool]


class PaginationState(Struct, frozen=True):
    """The context that the whole list is made for and how it is arranged, what was shown of it, and what every further
    row must pass too."""

    context: RequestContext
    arrangement: Arrangement
    shown_before: ShownBefore
    still_passes: StillPasses | None = None


class SelectionState(Struct, frozen=True):
    """The context of a request without a ranking; of a listing what every further row must pass too, and the position
    at which the page before ended."""

    context: RequestContext
    still_passes: StillPasses | None = None
    position: Position | None = None


class Pagination:
    """Reads and gives the cursors of one release's lists."""

    def __init__(self, loaded: LoadedRelease, cursors: Cursors, defaults: ContextDefaults, recheck: Recheck) -> None:
        self._loaded = loaded
        self._cursors = cursors
        self._defaults = defaults
        self._recheck = recheck
        self._own = RequestConditions(loaded)
        self._arrangement = loaded.rules.ruleset.arrangement({})
        self._with_repeats = replace(self._arrangement, same_recording=True)

    def begin(self, query: Query, context_field: str = "context.") -> PaginationState:
        """Where a request begins; `context_field` is where the context's fields stand in it.

        Raises a 400 problem for a context that does not hold together or a cursor of something else, a 410 problem
        for a cursor that no longer holds.
        """
        context = narrowed(self._context(query, context_field), query.mix)
        arrangement = self._arranged(query)
        if query.cursor is None:
            return PaginationState(context, arrangement, _FIRST)
        cursor = self._taken(query, query.cursor)
        shown_before = unmarked(self._loaded.rows, cursor.shown_before, cursor.shown_marks)
        frozen, still_passes = self._as_of(cursor, query, context)
        return PaginationState(frozen, arrangement, shown_before, still_passes)

    def begin_selection(self, query: Selection, context_field: str = "context.") -> SelectionState:
        """Where a request without a ranking begins; raises as `begin`."""
        context = self._context(query, context_field)
        if not isinstance(query, Paged) or query.cursor is None:
            return SelectionState(context)
        cursor = self._taken(query, query.cursor)
        return SelectionState(*self._as_of(cursor, query, context), cursor.position)

    def _context(self, query: Selection, context_field: str) -> RequestContext:
        return self._own.added(query, self._defaults.complete(query.context, query.kinds, context_field))

    def _taken(self, query: Paged, token: str) -> Cursor:
        cursor = self._cursors.take(token)
        check_request(cursor, query)
        if cursor.release != self._loaded.release.id:
            raise expired(f"release {cursor.release}, which it was given for, is not the one that is asked")
        if cursor.rules != self._loaded.rules.version:
            raise expired("the rules have changed since it was given")
        return cursor

    def _as_of(
        self, cursor: Cursor, query: Paged, context: RequestContext
    ) -> tuple[RequestContext, StillPasses | None]:
        """The context of a list's first page, and what its rows must pass at this time too."""
        frozen = replace(context, at_s=cursor.at_s)
        if query.context.at is not None:
            return frozen, None
        # The list stays as it was, but for what no longer may be shown.
        now = self._loaded.rules.compile(context)
        if now is self._loaded.rules.compile(frozen):
            return frozen, None
        return frozen, partial(self._recheck.passes, now)

    def _arranged(self, query: Query) -> Arrangement:
        arrangement = self._switched(query)
        if arrangement.own_language and query.context.languages:
            return replace(arrangement, listener_language=query.context.languages[0])
        return arrangement

    def _switched(self, query: Query) -> Arrangement:
        if query.switches:
            said = self._loaded.rules.ruleset.arrangement(query.switches)
            return replace(said, same_recording=True) if query.same_recording else said
        return self._with_repeats if query.same_recording else self._arrangement

    def next_cursor(self, query: Query, pagination: PaginationState, page: Page) -> str | None:
        """The cursor for the page after this one; None where there is none."""
        shown = (*pagination.shown_before.rows, *page.rows)
        if page.short_reason is not None or len(shown) >= MAX_DEPTH:
            return None
        before, marks = marked(self._loaded.rows, ShownBefore(shown, page.pool_depth))
        return self._cursors.give(
            query,
            release=self._loaded.release.id,
            rules=self._loaded.rules.version,
            at_s=pagination.context.at_s,
            shown_before=before,
            marks=marks,
        )

    def next_position(self, query: Paged, context: RequestContext, position: Position) -> str:
        """The cursor for the page of a listing after that position."""
        return self._cursors.give(
            query,
            release=self._loaded.release.id,
            rules=self._loaded.rules.version,
            at_s=context.at_s,
            shown_before=_FIRST,
            position=position,
        )
