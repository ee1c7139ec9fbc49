"""Why a hit is where it is: what it is near, what its score is made of, what each rule said of it."""

from collections.abc import Sequence

import numpy as np

from service.answers import Explanation, NearSeed, ScoreParts
from service.retrieval import Page, Retriever
from service.row_traits import RowTraits
from service.served import ServedRelease
from service.turns import Turn


class Explainer:
    """Explains pages of one release, after the fact: a request that does not ask for it pays nothing."""

    def __init__(self, served: ServedRelease, retriever: Retriever) -> None:
        self._rows, self._rules = served.rows, served.rules
        self._traits = RowTraits(served.rows)
        self._retriever = retriever

    def explained(self, page: Page, turn: Turn, *, using: str, seeds: Sequence[int]) -> dict[int, Explanation]:
        """An explanation for each row of a page; `seeds` are the rows that it was asked for with."""
        if not page.rows:
            return {}
        boosts = self._boosts(page, turn)
        near = self._near_seeds(page, using, seeds)
        likeness = self._likeness(page, turn, using)
        plan = self._retriever.plan_name(turn.context, using)
        return {
            row: Explanation(
                ScoreParts(page.scores[place] - sum(boosts[place]), *boosts[place], likeness[place]),
                self._rules.verdicts(turn.context, self._rows.payload(row)),
                plan,
                near[place],
            )
            for place, row in enumerate(page.rows)
        }

    def _boosts(self, page: Page, turn: Turn) -> list[tuple[float, float]]:
        rows, said = np.array(page.rows), turn.arrangement
        fresh = said.freshness * self._traits.freshness(rows, turn.context.at_s, said.freshness_half_life_days)
        popular = said.popularity * self._traits.popularity(rows)
        return list(zip(fresh.tolist(), popular.tolist(), strict=True))

    def _near_seeds(self, page: Page, using: str, seeds: Sequence[int]) -> list[NearSeed | None]:
        if not seeds:
            return [None] * len(page.rows)
        alike = self._rows.vectors(using, page.rows) @ self._rows.vectors(using, list(seeds)).T
        best = alike.argmax(axis=1)
        return [NearSeed(self._rows.id_of(seeds[at]), float(row[at])) for row, at in zip(alike, best, strict=True)]

    def _likeness(self, page: Page, turn: Turn, using: str) -> list[float]:
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
