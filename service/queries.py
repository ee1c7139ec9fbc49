"""What each kind of query means: its direction, what it leaves out, and the one retrieval that all of them share."""

from collections.abc import Callable, Sequence, Set
from typing import cast

from msgspec.structs import replace

from indexing.context import RequestContext
from service.answers import Answer, Hit
from service.context import ContextDefaults
from service.directions import Directions
from service.excluded import Excluded, HeardOr
from service.history import by_time, join
from service.kinds import Kinds, Part, narrowed
from service.mixed import Mixed, Share
from service.own_conditions import OwnConditions
from service.parts import Parts
from service.problems import ProblemError, invalid
from service.ranking import Ranking
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
        self._kinds = Kinds(served.rows)
        self._directions = Directions(served, crosses=self._kinds.crosses)

    async def similar(self, query: SimilarRequest, *, context_field: str = "context.") -> Answer:
        """Items near weighted seeds; `context_field` is where the context's fields stand in the request."""
        context = self._context(query, context_field)
        seeds = find_entries(self._find, query.seeds, "seeds", query.unknown_seeds)
        excluded = self._left_out(query, seeds.rows)

        def near(part: Part) -> Ranking:
            direction = self._directions.of_seeds(seeds.rows, seeds.weights, part.kind)
            return self.retriever.nearest(
                direction.vector, using=direction.using, context=part.context, excluded=excluded
            )

        return self._answer(await self._page(query, context, near), seeds.skipped)

    async def recommend(self, query: RecommendRequest) -> Answer:
        """Items for a known user, for a posted history, or for both together; the fallback chain for all others."""
        context = self._context(query)
        if query.user_id is None and query.history is None:
            raise invalid("user_id", "a user_id, a history ([] for someone who has heard nothing yet), or both")
        known = None if query.user_id is None else self._release.users.find(query.user_id)
        posted = by_time(query.history or ())
        found = find_entries(self._find, posted.listens, "history", query.unknown_seeds, none_will_do=True)
        listening = join(known, found, posted.decays)
        left_out = self._left_out(query, found.rows)
        excluded: Excluded = left_out
        if known is not None and self._served.rules.ruleset.arrangement(query.switches).exclude_seen:
            excluded = HeardOr(left_out, known.heard)

        def near(part: Part) -> Ranking:
            direction = self._directions.of_listener(listening, context.at_s, part.kind)
            if direction is None:
                return self.retriever.fallback(part.context, excluded)
            return self.retriever.nearest(
                direction.vector, using=direction.using, context=part.context, excluded=excluded
            )

        return self._answer(await self._page(query, context, near), found.skipped)

    async def search(self, query: SearchRequest) -> Answer:
        """Items that match a text by its words and its meaning."""
        context = self._context(query)
        if not self._release.has_text:
            raise ProblemError(
                "release-without-text",
                f"Release {self._release.id} was built without text vectors (--no-text): its `similar` and "
                "`recommend` answer, its `search` cannot. Build one with text vectors, and activate it.",
            )
        if self._release.manifest.encoder_hash != self._encoder_hash:
            raise ProblemError(
                "release-not-loaded",
                f"Release {self._release.id} has vectors of text encoder {self._release.manifest.encoder_hash}, "
                "another one than is loaded here: its `similar` and `recommend` answer, its `search` cannot.",
            )
        vector = await self._encoder.vector(text)
        excluded = self._left_out(query, ())

        def near(part: Part) -> Ranking:
            return self.retriever.nearest(vector, using="text", context=part.context, excluded=excluded)

        return self._answer(await self._page(query, context, near, crosses=True))

    def _context(self, query: Query, field: str = "context.") -> RequestContext:
        return self._own.added(query, self._defaults.complete(query.context, query.kinds, field))

    async def _page(
        self, query: Query, context: RequestContext, near: Callable[[Part], Ranking], *, crosses: bool = False
    ) -> Page:
        """A page of what is `near`: of all kinds at once, or of each by itself, in turns by the request's mix.

        `crosses`: one ranking has both kinds right, whatever the tower has learnt.
        """
        context = narrowed(context, query.mix)
        parts = [Part(context)] if crosses and query.mix is None else self._kinds.parts(context, query.mix)
        ranking = near(parts[0])
        if len(parts) > 1:
            shares = [Share(part.quota, near(part)) for part in parts]
            ranking = Mixed(self._served.rows, shares, tells_filled=query.mix is not None)
        return await self.retriever.page(ranking, context, query.limit)

    def _left_out(self, query: Query, rows: Sequence[int]) -> Set[int]:
        """Rows that were posted, and those of the ids that this request excludes."""
        if not query.exclude and not query.context.blocked_items:
            return set(rows)
        return find_rows(self._find, query.exclude, query.context.blocked_items).union(rows)

    def _answer(self, page: Page, skipped: tuple[str, ...] = ()) -> Answer:
        # Encoded already, row by row; the encoder takes them over as they are.
        hits = cast("Sequence[Hit]", self._shown.hits(page.rows, page.scores, page.sources))
        return Answer(hits, self._release.id, self._served.rows.revision, page.short_reason, skipped)
