"""`why`: what became of one item in a list, and which stage decided it."""

from typing import Literal

import numpy as np
from msgspec import Struct

from service.arranging.page import Pages
from service.loaded.kind_quotas import are_of_kind
from service.loaded.loaded_release import LoadedRelease
from service.queries.cursors import MAX_DEPTH
from service.queries.resolved_query import ResolvedQuery
from service.ranking.contract import Ranking, Scored
from service.ranking.interleaving import Interleaved
from service.ranking.threshold import bare
from service.schemas.problems import ProblemError
from service.schemas.stages import StageName
from service.schemas.validation import shown

Outcome = Literal[
    "shown",
    "cut_off",
    "taken_down",
    "not_encoded",
    "rules",
    "seed",
    "excluded",
    "seen",
    "max_per_creator",
    "max_per_tag",
    "same_recording",
    "score_threshold",
    "missed",
]


# Which stage of the pipeline decided.
STAGE_OF: dict[Outcome, StageName] = {
    "taken_down": "re-check",
    "not_encoded": "re-check",
    "rules": "re-check",
    "seed": "exclusions",
    "excluded": "exclusions",
    "seen": "exclusions",
    "max_per_creator": "arrangement",
    "max_per_tag": "arrangement",
    "same_recording": "arrangement",
    "shown": "page",
    "cut_off": "page",
    "score_threshold": "retrieval",
    "missed": "retrieval",
}


class WhyAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one item in one list, and which `stage` of the pipeline decided it (docs/architecture.md).

    `rules`: whether each rule that asks something of this request lets it pass. `score` and `rank`: what it scores for
    this query and how it ranks by that among all `num_items`, or those of its kind where kinds are ranked apart,
    without any rule (1 is the best); left out where a row has no score of its own: text and seeds together, and what
    is popular or fresh. `place`: where it stands in the list, of which the first `limit` are the first page.
    """

    id: str
    outcome: Outcome
    stage: StageName
    told: str
    rules: dict[str, bool]
    release: str
    revision: int
    num_items: int
    place: int | None = None
    score: float | None = None
    rank: int | None = None


class Why:
    """Answers for one release."""

    def __init__(self, loaded: LoadedRelease, pages: Pages) -> None:
        self._loaded = loaded
        self._rows = loaded.rows
        self._pages = pages

    async def answer(self, item_id: str, resolved: ResolvedQuery) -> WhyAnswer:
        """What became of an item; a 404 problem for one that the catalogue does not have now."""
        row = self._rows.row_of(item_id)
        if row < 0:
            raise ProblemError(
                "unknown-item",
                f"Release {self._loaded.release.id} has no item with the id {shown(item_id)}, taken down or not. "
                "Ids are compared as they are, upper and lower case apart.",
            )
        rules = self._loaded.rules.verdicts(resolved.pagination.context, self._rows.payload(row))
        score, rank = self._standing(row, resolved)
        outcome, told, place = await self._outcome(item_id, row, rules, resolved)
        return WhyAnswer(
            id=item_id,
            outcome=outcome,
            stage=STAGE_OF[outcome],
            told=told,
            rules=rules,
            release=self._loaded.release.id,
            revision=self._rows.revision,
            num_items=sum(1 for _ in self._rows.rows()),
            place=place,
            score=score,
            rank=rank,
        )

    async def _outcome(
        self, item_id: str, row: int, rules: dict[str, bool], resolved: ResolvedQuery
    ) -> tuple[Outcome, str, int | None]:
        if item_id in self._rows.taken_down:
            return "taken_down", "It is taken down: no answer has it until it is lifted.", None
        if item_id in self._rows.unencoded:
            return "not_encoded", "It was put, and has no vectors for this release yet.", None
        against = [rule for rule, passes in rules.items() if not passes]
        if against:
            return "rules", f"The rules keep it out in this context: {', '.join(against)}.", None
        left_out = self._left_out(item_id, row, resolved)
        if left_out is not None:
            return *left_out, None
        given = self._pages.given(resolved.source.rows, resolved.source.heard)
        page = await self._pages.cut(
            resolved.ranking,
            resolved.pagination.context,
            MAX_DEPTH,
            using=resolved.source.likeness_space,
            arrangement=resolved.pagination.arrangement,
            given=given,
        )
        limit = resolved.query.limit
        if row in page.rows:
            place = page.rows.index(row) + 1
            if place <= limit:
                return "shown", f"It comes, at place {place} of the first page.", place
            return "cut_off", f"It comes at place {place}; the first page has {limit}.", place
        broken = self._pages.broken_cap(resolved.pagination.arrangement, page.rows, row, given)
        if broken is not None:
            if broken == "same_recording" and given.has(row):
                return broken, "It is of a recording that the query was asked with, or that the user has heard.", None
            return broken, f"What stands before it in the list leaves no room for it ({broken}).", None
        if page.cut:
            return "score_threshold", "It scores less than the score_threshold of the request.", None
        if page.short_reason is None:
            return "cut_off", f"It would come, if at all, after {MAX_DEPTH:,} others: deeper than a list goes.", None
        return (
            "missed",
            "Nothing speaks against it, and the search does not find it: run `nearfield index doctor`.",
            None,
        )

    def _left_out(self, item_id: str, row: int, resolved: ResolvedQuery) -> tuple[Outcome, str] | None:
        own = self._rows.origin(row)
        if own >= 0 and (resolved.excluded.heard == own).any():
            return "seen", "The user has heard it already."
        if item_id in resolved.query.exclude or item_id in resolved.query.context.blocked_items:
            return "excluded", "The request excludes it (`exclude`, or `blocked_items` of its context)."
        if row in resolved.excluded or own in resolved.excluded:
            return "seed", "It is a seed, or in the posted history: what is asked with never comes back."
        return None

    def _standing(self, row: int, resolved: ResolvedQuery) -> tuple[float | None, int | None]:
        ranking: Ranking | None = resolved.ranking
        rows = np.fromiter(self._rows.rows(), np.int64)
        if isinstance(ranking, Interleaved):
            kind = self._rows.payload(row).kind
            ranking, rows = ranking.of_kind(kind), rows[are_of_kind(self._rows, rows, kind)]
        ranking = bare(ranking)
        if not isinstance(ranking, Scored):
            return None, None
        scores = ranking.scores_of(rows)
        (score,) = scores[rows == row].tolist()
        return score, 1 + int(np.count_nonzero(scores > score))
