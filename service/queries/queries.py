"""What each kind of query means: its direction, what it leaves out, and the one retrieval that all of them share."""

from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from indexing.stores.contract import VectorStore
from service.arranging.retrieval import Page, Retriever
from service.arranging.short_reason import few_matching
from service.loaded.exclusions import NOTHING_HEARD, Exclusions
from service.loaded.kind_quotas import KindQuota, KindQuotas
from service.loaded.loaded_release import LoadedRelease
from service.loaded.posted_rows import Found, find_entries, find_rows
from service.queries.context import ContextDefaults
from service.queries.cursors import Cursors
from service.queries.explain import Explainer
from service.queries.history import by_time, join
from service.queries.pagination import Pagination, PaginationState
from service.queries.query_vector import QueryVectors
from service.queries.resolved_query import ResolvedQuery
from service.queries.why import Why, WhyAnswer
from service.ranking.contract import Ranking
from service.ranking.encoder_gate import EncoderGate
from service.ranking.interleaving import Interleaved, RankedQuota
from service.ranking.rrf import ReciprocalRankFusion
from service.ranking.text_search import TextSearch
from service.schemas.answers import Answer, Hit
from service.schemas.problems import invalid
from service.schemas.requests import Query, RecommendRequest, SearchRequest, SimilarRequest
from service.schemas.shown_rows import ShownRows

# Up to so many ids are looked up beforehand; of more, each row that a page meets is asked for its id instead.
_FEW_IDS = 32


class Queries:
    """Answers validated queries from one release; each method raises a ProblemError or a StoreError."""

    def __init__(
        self,
        served: LoadedRelease,
        store: VectorStore,
        encoder: EncoderGate,
        encoder_hash: str | None,
        cursors: Cursors,
        defaults: ContextDefaults,
    ) -> None:
        """`encoder_hash`: of the encoder that is loaded here, which is that of the live release."""
        self._served = served
        self._release = served.release
        self._find = served.rows.find
        self._shown = ShownRows(served.rows)
        self.retriever = Retriever(store, served)
        self._kinds = KindQuotas(served.rows)
        self._search = TextSearch(encoder, encoder_hash, served, self.retriever.neighbours, self._kinds)
        self._explainer = Explainer(served, self.retriever)
        self._why = Why(served, self.retriever)
        self._directions = QueryVectors(served, crosses=self._kinds.crosses, learnt=self._kinds.learnt)
        self._turns = Pagination(served, cursors, defaults, self.retriever.recheck)

    async def similar(self, query: SimilarRequest, *, context_field: str = "context.") -> Answer:
        """Items near weighted seeds; `context_field` is where the context's fields stand in the request."""
        return await self._answer(self._near_seeds(query, context_field))

    async def recommend(self, query: RecommendRequest) -> Answer:
        """Items for a known user, for a posted history, or for both together; the fallback chain for all others."""
        return await self._answer(self._for_listener(query))

    async def search(self, query: SearchRequest) -> Answer:
        """Items that match a text by its words and its meaning."""
        return await self._answer(await self._by_text(query))

    async def why(self, item_id: str, query: SimilarRequest | RecommendRequest | SearchRequest) -> WhyAnswer:
        """Why an item came, or did not; a 404 problem for one that the catalogue does not have."""
        match query:
            case SimilarRequest():
                asked = self._near_seeds(query, "context.")
            case RecommendRequest():
                asked = self._for_listener(query)
            case SearchRequest():
                asked = await self._by_text(query)
        return await self._why.answer(item_id, asked)

    def _near_seeds(self, query: SimilarRequest, context_field: str) -> ResolvedQuery:
        turn = self._turns.begin(query, context_field)
        seeds = find_entries(self._find, query.seeds, "seeds", query.unknown_seeds)
        excluded = self._left_out(query, seeds.rows)
        ranking = self._ranking(query, turn, lambda part: self._near_found(seeds, part, excluded))
        return ResolvedQuery(query, turn, ranking, self._release.space, excluded, seeds.rows, seeds.skipped)

    def _for_listener(self, query: RecommendRequest) -> ResolvedQuery:
        turn = self._turns.begin(query)
        if query.user_id is None and query.history is None:
            raise invalid("user_id", "a user_id, a history ([] for someone who has heard nothing yet), or both")
        known = None if query.user_id is None else self._release.users.find(query.user_id)
        posted = by_time(query.history or ())
        found = find_entries(self._find, posted.listens, "history", query.unknown_seeds, none_will_do=True)
        listening = join(known, found, posted.decays)
        heard = known.heard if known is not None and turn.arrangement.exclude_seen else None
        excluded = self._left_out(query, found.rows, heard)

        def near(part: KindQuota) -> Ranking:
            direction = self._directions.of_listener(listening, turn.context.at_s, part.kind)
            if direction is None:
                return self.retriever.fallback(part.context, excluded)
            return self.retriever.nearest(
                direction.vector, using=direction.using, context=part.context, excluded=excluded
            )

        ranking = self._ranking(query, turn, near)
        rows = listening.rows[listening.weights > 0].tolist()
        return ResolvedQuery(query, turn, ranking, self._release.space, excluded, rows, found.skipped)

    async def _by_text(self, query: SearchRequest) -> ResolvedQuery:
        turn = self._turns.begin(query)
        seeds = find_entries(self._find, query.seeds, "seeds", query.unknown_seeds, none_will_do=True)
        excluded = self._left_out(query, seeds.rows)
        by_tower = query.mode == "tower"
        # One ranking of texts has both kinds right, whatever the tower has learnt of crossing over: it has learnt each
        # text against items of both. Only of a kind that it has seen no likes of it knows nothing.
        together = query.mix is None and not seeds.rows and not (by_tower and not self._kinds.all_learnt)
        parts = [KindQuota(turn.context)] if together else self._kinds.parts(turn.context, query.mix)
        rankings = [await self._search.ranking(query, part, excluded) for part in parts]
        if seeds.rows:
            rankings = [
                ReciprocalRankFusion(self._served.rows, (by_text, self._near_found(seeds, part, excluded)))
                for by_text, part in zip(rankings, parts, strict=True)
            ]
        using = "text" if self._release.has_text and not by_tower else self._release.space
        return ResolvedQuery(
            query, turn, self._joined(query, parts, rankings), using, excluded, seeds.rows, seeds.skipped
        )

    def _near_found(self, seeds: Found, part: KindQuota, excluded: Exclusions) -> Ranking:
        direction = self._directions.of_seeds(seeds.rows, seeds.weights, part.kind)
        return self.retriever.nearest(direction.vector, using=direction.using, context=part.context, excluded=excluded)

    def _ranking(self, query: Query, turn: PaginationState, near: Callable[[KindQuota], Ranking]) -> Ranking:
        """What is `near`: of all kinds at once, or of each by itself."""
        parts = self._kinds.parts(turn.context, query.mix)
        return self._joined(query, parts, [near(part) for part in parts])

    def _joined(self, query: Query, parts: Sequence[KindQuota], rankings: Sequence[Ranking]) -> Ranking:
        """The rankings of all parts, in turns by the request's mix."""
        if len(parts) == 1:
            return rankings[0]
        shares = [RankedQuota(part.quota, ranking, part.kind) for part, ranking in zip(parts, rankings, strict=True)]
        return Interleaved(self._served.rows, shares, tells_filled=query.mix is not None)

    def _left_out(self, query: Query, rows: Sequence[int], heard: NDArray[np.int32] | None = None) -> Exclusions:
        """Rows that were posted, those of the ids that this request excludes, and those that were heard."""
        posted = set(rows)
        num_ids = len(query.exclude) + len(query.context.blocked_items)
        if num_ids <= _FEW_IDS:
            if num_ids:
                posted |= find_rows(self._find, query.exclude, query.context.blocked_items)
            return Exclusions(posted) if heard is None else Exclusions(posted, heard=heard)
        return Exclusions(
            posted,
            ids=(*query.exclude, *query.context.blocked_items),
            names=self._served.rows,
            heard=NOTHING_HEARD if heard is None else heard,
        )

    async def _answer(self, asked: ResolvedQuery) -> Answer:
        query, turn = asked.query, asked.turn
        page = await self._page(asked)
        if (
            isinstance(query, SearchRequest)
            and query.mode == "lexical"
            and not asked.seeds
            and page.short_reason is not None
        ):
            page = replace(page, short_reason=few_matching(len(turn.begun.shown) + len(page.rows)))
        explained = {}
        if query.explain:
            explained = self._explainer.explained(page, asked)
        # Encoded already, row by row; the encoder takes them over as they are.
        passages = await self._search.passages(query, page.rows) if isinstance(query, SearchRequest) else None
        hits = cast("Sequence[Hit]", self._shown.hits(page.rows, page.scores, page.sources, explained, passages))
        next_cursor = self._turns.next_cursor(query, turn, page)
        return Answer(hits, self._release.id, self._served.rows.revision, next_cursor, page.short_reason, asked.skipped)

    async def _page(self, asked: ResolvedQuery) -> Page:
        turn = asked.turn
        return await self.retriever.page(
            asked.ranking,
            turn.context,
            asked.query.limit,
            using=asked.using,
            arrangement=turn.arrangement,
            begun=turn.begun,
            still=turn.still,
        )
