"""Where a request begins: at the first page, or after the pages that its cursor was given for."""

from collections.abc import Callable
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from indexing.rules.arrangement import Arrangement
from indexing.rules.context import RequestContext
from service.arranging.arranger import ShownBefore
from service.arranging.retrieval import Page
from service.loaded.kind_quotas import narrowed
from service.loaded.loaded_release import LoadedRelease
from service.loaded.recheck import Recheck
from service.queries.context import ContextDefaults
from service.queries.cursors import MAX_DEPTH, Cursors, check_request, expired
from service.queries.request_conditions import RequestConditions
from service.schemas.requests import Query

_FIRST = ShownBefore()


class PaginationState(Struct, frozen=True):
    """The context that the whole list is made for and how it is arranged, what was shown of it, and what every further
    row must pass too."""

    context: RequestContext
    arrangement: Arrangement
    begun: ShownBefore
    still: Callable[[int], bool] | None = None


class Pagination:
    """Reads and gives the cursors of one release's lists."""

    def __init__(self, served: LoadedRelease, cursors: Cursors, defaults: ContextDefaults, recheck: Recheck) -> None:
        self._served = served
        self._cursors = cursors
        self._defaults = defaults
        self._recheck = recheck
        self._own = RequestConditions(served)
        self._arrangement = served.rules.ruleset.arrangement({})
        self._with_repeats = replace(self._arrangement, same_recording=True)

    def begin(self, query: Query, context_field: str = "context.") -> PaginationState:
        """The turn of a request; `context_field` is where the context's fields stand in it.

        Raises a 400 problem for a context that does not hold together or a cursor of something else, a 410 problem
        for a cursor that no longer holds.
        """
        context = self._own.added(query, self._defaults.complete(query.context, query.kinds, context_field))
        context = narrowed(context, query.mix)
        arrangement = self._arranged(query)
        if query.cursor is None:
            return PaginationState(context, arrangement, _FIRST)
        cursor = self._cursors.take(query.cursor)
        check_request(cursor, query)
        if cursor.release != self._served.release.id:
            raise expired(f"release {cursor.release}, which it was given for, is not the one that is asked")
        rules = self._served.rules
        if cursor.rules != rules.version:
            raise expired("the rules have changed since it was given")
        frozen = replace(context, at_s=cursor.at_s)
        begun = cursor.begun
        if query.context.at is not None:
            return PaginationState(frozen, arrangement, begun)
        # The list stays as it was, but for what no longer may be shown.
        now = rules.compile(context)
        if now is rules.compile(frozen):
            return PaginationState(frozen, arrangement, begun)
        return PaginationState(frozen, arrangement, begun, partial(self._recheck.passes, now))

    def _arranged(self, query: Query) -> Arrangement:
        if query.switches:
            said = self._served.rules.ruleset.arrangement(query.switches)
            return replace(said, same_recording=True) if query.same_recording else said
        return self._with_repeats if query.same_recording else self._arrangement

    def next_cursor(self, query: Query, turn: PaginationState, page: Page) -> str | None:
        """The cursor for the page after this one; None where there is none."""
        shown = (*turn.begun.shown, *page.rows)
        if page.short_reason is not None or len(shown) >= MAX_DEPTH:
            return None
        return self._cursors.give(
            query,
            release=self._served.release.id,
            rules=self._served.rules.version,
            at_s=turn.context.at_s,
            begun=ShownBefore(shown, page.pool_depth),
        )
