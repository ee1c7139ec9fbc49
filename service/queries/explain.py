"""Why a hit is where it is: what it is near, what its score is made of, what each rule said of it."""

from collections.abc import Sequence

import numpy as np

from embedding.rows.schema import Kind
from indexing.rules.context import RequestContext
from service.arranging.retrieval import Page, Retriever
from service.arranging.row_features import RowFeatures
from service.loaded.loaded_release import LoadedRelease
from service.queries.pagination import PaginationState
from service.queries.resolved_query import ResolvedQuery
from service.ranking.interleaving import Interleaved
from service.ranking.nearest import Nearest
from service.ranking.semantic import MaxOverPassages
from service.schemas.answers import Explanation, NearSeed, ScoreParts

# As the scores of hits have.
_DIGITS = 6


class Explainer:
    """Explains pages of one release, after the fact: a request that does not ask for it pays nothing."""

    def __init__(self, served: LoadedRelease, retriever: Retriever) -> None:
        self._rows, self._rules = served.rows, served.rules
        self._traits = RowFeatures(served.rows)
        self._retriever = retriever

    def explained(self, page: Page, asked: ResolvedQuery) -> dict[int, Explanation]:
        """An explanation for each row of a page."""
        if not page.rows:
            return {}
        turn = asked.turn
        boosts = self._boosts(page, turn)
        likeness = self._likeness(page, turn, asked.using)
        said = {}
        for place, row in enumerate(page.rows):
            payload = self._rows.payload(row)
            context, using = self._looked_for(asked, payload.kind)
            similarity = page.scores[place] - sum(boosts[place])
            said[row] = Explanation(
                ScoreParts(*(round(part, _DIGITS) for part in (similarity, *boosts[place], likeness[place]))),
                self._rules.verdicts(turn.context, payload),
                self._retriever.plan_name(context, using),
                self._near_seed(row, using, asked.seeds),
            )
        return said

    def _looked_for(self, asked: ResolvedQuery, kind: Kind) -> tuple[RequestContext, str]:
        """The context and the space in which rows of a kind were searched: each kind by itself, or all at once."""
        ranking = asked.ranking.of_kind(kind) if isinstance(asked.ranking, Interleaved) else asked.ranking
        if isinstance(ranking, (Nearest, MaxOverPassages)):
            return ranking.context, ranking.using
        return asked.turn.context, asked.using

    def _boosts(self, page: Page, turn: PaginationState) -> list[tuple[float, float]]:
        rows, said = np.array(page.rows), turn.arrangement
        fresh = said.freshness * self._traits.freshness(rows, turn.context.at_s, said.freshness_half_life_days)
        popular = said.popularity * self._traits.popularity(rows)
        return list(zip(fresh.tolist(), popular.tolist(), strict=True))

    def _near_seed(self, row: int, using: str, seeds: Sequence[int]) -> NearSeed | None:
        if not seeds:
            return None
        alike = self._rows.vectors(using, list(seeds)) @ self._rows.vectors(using, [row])[0]
        best = int(alike.argmax())
        return NearSeed(self._rows.id_of(seeds[best]), round(float(alike[best]), _DIGITS))

    def _likeness(self, page: Page, turn: PaginationState, using: str) -> list[float]:
        """What each row's likeness to those before it, on earlier pages too, cost it."""
        if not turn.arrangement.diversity:
            return [0.0] * len(page.rows)
        before = list(turn.begun.shown)
        vectors = self._rows.vectors(using, [*before, *page.rows])
        alike = vectors @ vectors.T
        return [
            -turn.arrangement.diversity * float(alike[place, :place].max()) if place else 0.0
            for place in range(len(before), len(vectors))
        ]
