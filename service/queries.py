"""What each kind of query means: its direction, what it leaves out, and the one retrieval that all of them share."""

from collections.abc import Sequence, Set
from typing import cast

from msgspec.structs import replace

from indexing.context import RequestContext
from indexing.users import History
from service.answers import Answer, Hit
from service.context import ContextDefaults
from service.directions import listener, towards
from service.excluded import Excluded, HeardOr
from service.history import by_time, join
from service.own_conditions import OwnConditions
from service.parts import Parts
from service.problems import ProblemError, invalid
from service.requests import Query, RecommendRequest, SearchRequest, SimilarRequest
from service.retrieval import Page, Retriever
from service.rows import find_entries, find_rows
from service.search import Search
from service.served import ServedRelease
from service.short_reason import few_matching
from service.shown_rows import ShownRows
from service.validation import shown


class Queries:
    """Answers validated queries from one release; each method raises a ProblemError or a StoreError."""

    def __init__(self, parts: Parts, served: ServedRelease) -> None:
        self._served = served
        self._release = served.release
        self._defaults = ContextDefaults(parts.settings.default_market, parts.settings.default_explicit)
        self._own = OwnConditions(served)
        self._find = served.rows.find
        self._shown = ShownRows(served.rows)
        self.retriever = Retriever(parts.store, served)
        self._search = Search(parts, served, self.retriever.neighbours)

    async def similar(self, query: SimilarRequest, *, context_field: str = "context.") -> Answer:
        """Items near weighted seeds; `context_field` is where the context's fields stand in the request."""
        context = self._context(query, context_field)
        seeds = find_entries(self._find, query.seeds, "seeds", query.unknown_seeds)
        vector = towards(self._served, seeds.rows, seeds.weights)
        ranking = self.retriever.nearest(
            vector, using=self._release.space, context=context, excluded=self._left_out(query, seeds.rows)
        )
        page = await self.retriever.page(ranking, context, query.limit)
        return self._answer(page, seeds.skipped)

    async def recommend(self, query: RecommendRequest) -> Answer:
        """Items for a known user, for a posted history, or for both together."""
        context = self._context(query)
        known = self._known_user(query)
        posted = find_entries(
            self._find,
            by_time(query.history),
            "history",
            query.unknown_seeds,
            none_will_do=known is not None,
        )
        listening = join(known, posted)
        vector = listener(self._served, listening.rows, listening.weights, context.at_s)
        left_out = self._left_out(query, posted.rows)
        excluded: Excluded = left_out
        if known is not None and self._served.rules.ruleset.arrangement(query.switches).exclude_seen:
            excluded = HeardOr(left_out, known.heard)
        ranking = self.retriever.nearest(vector, using=self._release.space, context=context, excluded=excluded)
        page = await self.retriever.page(ranking, context, query.limit)
        return self._answer(page, posted.skipped)

    async def search(self, query: SearchRequest) -> Answer:
        """Items that match a text by its words and its meaning."""
        context = self._context(query)
        ranking = await self._search.ranking(query, context, self._left_out(query, ()))
        page = await self.retriever.page(ranking, context, query.limit)
        if query.mode == "lexical" and page.short_reason is not None:
            page = replace(page, short_reason=few_matching(len(page.rows)))
        return self._answer(page)

    def _context(self, query: Query, field: str = "context.") -> RequestContext:
        return self._own.added(query, self._defaults.complete(query.context, query.kinds, field))

    def _known_user(self, query: RecommendRequest) -> History | None:
        """The user's history; None where none is needed, because one was posted."""
        if query.user_id is None and not query.history:
            raise invalid("user_id", "a user_id, a history, or both")
        known = None if query.user_id is None else self._release.users.find(query.user_id)
        if known is None and not query.history:
            raise ProblemError(
                "unknown-user",
                f"Release {self._release.id} has no listens of user {shown(query.user_id)}. "
                "Post what they heard as `history`: [{id, at?, weight?}].",
            )
        return known

    def _left_out(self, query: Query, rows: Sequence[int]) -> Set[int]:
        """Rows that were posted, and those of the ids that this request excludes."""
        if not query.exclude and not query.context.blocked_items:
            return set(rows)
        return find_rows(self._find, query.exclude, query.context.blocked_items).union(rows)

    def _answer(self, page: Page, skipped: tuple[str, ...] = ()) -> Answer:
        # Encoded already, row by row; the encoder takes them over as they are.
        hits = cast("Sequence[Hit]", self._shown.hits(page.rows, page.scores))
        return Answer(hits, self._release.id, self._served.rows.revision, page.short_reason, skipped)
