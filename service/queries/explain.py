"""`explain`: what each hit is near to, what its score is made of, what each rule said of it."""

from collections.abc import Sequence

import numpy as np

from embedding.rows.schema import Kind
from service.arranging.boosts import BOOSTS, boosts_of
from service.arranging.page import Page
from service.arranging.row_features import RowFeatures
from service.loaded.loaded_release import LoadedRelease
from service.queries.pagination import PaginationState
from service.queries.resolved_query import ResolvedQuery
from service.ranking.contract import Ranking
from service.ranking.hybrid import Hybrid
from service.ranking.interleaving import Interleaved
from service.ranking.nearest import Nearest
from service.ranking.rankings import Rankings
from service.ranking.semantic import MaxOverPassages
from service.ranking.threshold import bare
from service.schemas.answers import Explanation, HybridParts, NearSeed, ScoreParts

# As the scores of hits have.
_DIGITS = 6


class Explainer:
    """Explains pages of one release, after the fact: a request that does not ask for it pays nothing."""

    def __init__(self, loaded: LoadedRelease, rankings: Rankings) -> None:
        self._rows, self._rules = loaded.rows, loaded.rules
        self._features = RowFeatures(loaded.rows)
        self._rankings = rankings

    def explained(self, resolved: ResolvedQuery) -> dict[int, Explanation]:
        """An explanation for each row of a page."""
        page, pagination = resolved.page, resolved.pagination
        if not page.rows:
            return {}
        boosts = self._boosts(page, pagination)
        likeness = self._likeness(page, pagination, resolved.source.likeness_space)
        said = {}
        for place, row in enumerate(page.rows):
            payload = self._rows.payload(row)
            using = looked_for(resolved, payload.kind)
            similarity = page.scores[place] - sum(boosts[place])
            said[row] = Explanation(
                ScoreParts(*(round(part, _DIGITS) for part in (similarity, *boosts[place], likeness[place]))),
                self._rules.verdicts(pagination.context, payload),
                self._plan(resolved, payload.kind, using),
                self._near_seed(row, using, resolved.source.seeds),
                _hybrid_parts(row, resolved, payload.kind),
            )
        return said

    def _plan(self, resolved: ResolvedQuery, kind: Kind, using: str) -> str:
        """The plan that found rows of a kind; of a search by words and meaning, that of its shape."""
        ranking = _ranking_of(resolved, kind)
        if isinstance(ranking, (Nearest, MaxOverPassages)) and ranking.plan is not None:
            return ranking.plan
        return self._rankings.plan_name(resolved.pagination.context, using)

    def _boosts(self, page: Page, pagination: PaginationState) -> list[tuple[float, ...]]:
        """What each boost added to the score of each row, in the order of ScoreParts."""
        added = boosts_of(np.array(page.rows), self._features, pagination.arrangement, pagination.context.at_s)
        nothing = [0.0] * len(page.rows)
        columns = [added[boost.name].tolist() if boost.name in added else nothing for boost in BOOSTS]
        return list(zip(*columns, strict=True))

    def _near_seed(self, row: int, using: str, seeds: Sequence[int]) -> NearSeed | None:
        if not seeds:
            return None
        alike = self._rows.vectors(using, list(seeds)) @ self._rows.vectors(using, [row])[0]
        best = int(alike.argmax())
        return NearSeed(self._rows.id_of(seeds[best]), round(float(alike[best]), _DIGITS))

    def _likeness(self, page: Page, pagination: PaginationState, using: str) -> list[float]:
        """What each row's likeness to those before it, on earlier pages too, cost it."""
        if not pagination.arrangement.diversity:
            return [0.0] * len(page.rows)
        before = list(pagination.shown_before.rows)
        vectors = self._rows.vectors(using, [*before, *page.rows])
        alike = vectors @ vectors.T
        return [
            -pagination.arrangement.diversity * float(alike[place, :place].max()) if place else 0.0
            for place in range(len(before), len(vectors))
        ]


def looked_for(resolved: ResolvedQuery, kind: Kind) -> str:
    """The space in which rows of a kind were searched: each kind by itself, or all at once."""
    ranking = _ranking_of(resolved, kind)
    return ranking.using if isinstance(ranking, (Nearest, MaxOverPassages)) else resolved.source.likeness_space


def _hybrid_parts(row: int, resolved: ResolvedQuery, kind: Kind) -> HybridParts | None:
    ranking = _ranking_of(resolved, kind)
    if not isinstance(ranking, Hybrid):
        return None
    ((meaning,), (words,), (called,)) = (part.tolist() for part in ranking.parts_of(np.array([row])))
    return HybridParts(round(meaning, _DIGITS), round(words, _DIGITS), called)


def _ranking_of(resolved: ResolvedQuery, kind: Kind) -> Ranking | None:
    ranking = resolved.ranking
    return bare(ranking.of_kind(kind) if isinstance(ranking, Interleaved) else ranking)
