"""What each kind of query means: its direction, what it leaves out, and the one retrieval that all of them share."""

from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from service.answers import Answer, Hit
from service.context import ContextDefaults
from service.directions import Directions
from service.excluded import NOTHING_HEARD, Excluded
from service.history import by_time, join
from service.kinds import Kinds, Part
from service.mixed import Mixed, Share
from service.parts import Parts
from service.problems import ProblemError, invalid
from service.ranking import Ranking
from service.requests import Query, RecommendRequest, SearchRequest, SimilarRequest
from service.retrieval import Retriever
from service.rows import find_entries, find_rows
from service.served import ServedRelease
from service.shown_rows import ShownRows
from service.turns import Turn, Turns
from service.validation import shown

# Up to so many ids are looked up beforehand; of more, each row that a page meets is asked for its id instead.
_FEW_IDS = 32


class Queries:
    """Answers validated queries from one release; each method raises a ProblemError or a StoreError."""

    def __init__(self, parts: Parts, served: ServedRelease) -> None:
        self._served = served
        self._release = served.release
        self._encoder_hash = parts.live.release.manifest.encoder_hash
        self._encoder = parts.encoder
        self._find = served.rows.find
        self._shown = ShownRows(served.rows)
        self.retriever = Retriever(parts.store, served)
        self._kinds = Kinds(served.rows)
        self._directions = Directions(served, crosses=self._kinds.crosses)
        defaults = ContextDefaults(parts.settings.default_market, parts.settings.default_explicit)
        self._turns = Turns(served, parts.cursors, defaults, self.retriever.recheck)

    async def similar(self, query: SimilarRequest, *, context_field: str = "context.") -> Answer:
        """Items near weighted seeds; `context_field` is where the context's fields stand in the request."""
        turn = self._turns.begin(query, context_field)
        seeds = find_entries(self._find, query.seeds, "seeds", query.unknown_seeds)
        excluded = self._left_out(query, seeds.rows)

        def near(part: Part) -> Ranking:
            direction = self._directions.of_seeds(seeds.rows, seeds.weights, part.kind)
            return self.retriever.nearest(
                direction.vector, using=direction.using, context=part.context, excluded=excluded
            )

        return await self._answer(query, turn, self._ranking(query, turn, near), self._release.space, seeds.skipped)

    async def recommend(self, query: RecommendRequest) -> Answer:
        """Items for a known user, for a posted history, or for both together; the fallback chain for all others."""
        turn = self._turns.begin(query)
        if query.user_id is None and query.history is None:
            raise invalid("user_id", "a user_id, a history ([] for someone who has heard nothing yet), or both")
        known = None if query.user_id is None else self._release.users.find(query.user_id)
        posted = by_time(query.history or ())
        found = find_entries(self._find, posted.listens, "history", query.unknown_seeds, none_will_do=True)
        listening = join(known, found, posted.decays)
        heard = known.heard if known is not None and turn.arrangement.exclude_seen else None
        excluded = self._left_out(query, found.rows, heard)

        def near(part: Part) -> Ranking:
            direction = self._directions.of_listener(listening, turn.context.at_s, part.kind)
            if direction is None:
                return self.retriever.fallback(part.context, excluded)
            return self.retriever.nearest(
                direction.vector, using=direction.using, context=part.context, excluded=excluded
            )

        return await self._answer(query, turn, self._ranking(query, turn, near), self._release.space, found.skipped)

    async def search(self, query: SearchRequest) -> Answer:
        """Items whose text means what the query says."""
        if query.mode != "semantic":
            raise invalid("mode", "'semantic', the only mode so far", shown(query.mode))
        text = query.text.strip()
        if not text:
            raise invalid("text", "some words to look for", shown(query.text))
        turn = self._turns.begin(query)
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

        return await self._answer(query, turn, self._ranking(query, turn, near, crosses=True), "text")

    def _ranking(self, query: Query, turn: Turn, near: Callable[[Part], Ranking], *, crosses: bool = False) -> Ranking:
        """What is `near`: of all kinds at once, or of each by itself, in turns by the request's mix.

        `crosses`: one ranking has both kinds right, whatever the tower has learnt.
        """
        context = turn.context
        parts = [Part(context)] if crosses and query.mix is None else self._kinds.parts(context, query.mix)
        if len(parts) == 1:
            return near(parts[0])
        shares = [Share(part.quota, near(part)) for part in parts]
        return Mixed(self._served.rows, shares, tells_filled=query.mix is not None)

    def _left_out(self, query: Query, rows: Sequence[int], heard: NDArray[np.int32] | None = None) -> Excluded:
        """Rows that were posted, those of the ids that this request excludes, and those that were heard."""
        posted = set(rows)
        num_ids = len(query.exclude) + len(query.context.blocked_items)
        if num_ids <= _FEW_IDS:
            if num_ids:
                posted |= find_rows(self._find, query.exclude, query.context.blocked_items)
            return Excluded(posted) if heard is None else Excluded(posted, heard=heard)
        return Excluded(
            posted,
            ids=(*query.exclude, *query.context.blocked_items),
            find=self._find,
            id_of=self._served.rows.id_of,
            heard=NOTHING_HEARD if heard is None else heard,
        )

    async def _answer(
        self, query: Query, turn: Turn, ranking: Ranking, using: str, skipped: tuple[str, ...] = ()
    ) -> Answer:
        page = await self.retriever.page(
            ranking,
            turn.context,
            query.limit,
            using=using,
            arrangement=turn.arrangement,
            begun=turn.begun,
            still=turn.still,
        )
        # Encoded already, row by row; the encoder takes them over as they are.
        hits = cast("Sequence[Hit]", self._shown.hits(page.rows, page.scores, page.sources))
        next_cursor = self._turns.next_cursor(query, turn, page)
        return Answer(hits, self._release.id, self._served.rows.revision, next_cursor, page.short_reason, skipped)
