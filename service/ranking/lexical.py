"""The lexical ranking: BM25, exact, with items first whose title or creator is just the text."""

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from indexing.rules.context import RequestContext
from indexing.search.plan import Nearest
from service.loaded.exclusions import Exclusions
from service.loaded.verdicts import Verdict
from service.ranking.contract import Candidates
from service.ranking.nearest import Neighbours
from service.ranking.text_query import TextQuery
from service.schemas.answers import Space

# A page of a hundred and as many again to drop, in .2 ms more than twenty rows take.
_FIRST, _WIDEN = 256, 4
# By so much a float32 sum over the words of a text may differ with the order of addition.
_SURELY_MORE = np.float32(1 + 1e-5)


class Lexical:
    """Rows that share words with a text, by the part of its weight that they reach (0 to 1); equals by row.

    A row of the same title stands 2 higher, one of a creator of that name 1, above all others. Those alone that the
    rules let pass in `context` and that are not `excluded`.
    """

    def __init__(
        self,
        among: Neighbours,
        query: TextQuery,
        *,
        context: RequestContext,
        excluded: Exclusions,
        leaked: set[int] | None = None,
    ) -> None:
        """`leaked` as in `Nearest`."""
        self._among, self._query = among, query
        self._compiled = among.rules.compile(context)
        self._excluded = excluded
        self._leaked: set[int] = set() if leaked is None else leaked

    def spaces_of(self, rows: Sequence[int]) -> Sequence[Space]:
        """As Ranking."""
        return ["bm25"] * len(rows)

    async def first(self, depth: int) -> Candidates:
        """The best `depth` rows (Ranking.first). Raises StoreError when the engine fails."""
        among = self._among
        num_points = among.rows.num_own
        verdict = among.recheck.verdict(self._compiled)
        fetch = min(_FIRST, num_points)
        while True:
            found = await among.finder.matching(self._query.words, compiled=self._compiled, limit=fetch)
            # No await from here to the answer: the journal cannot move on between two of its rows.
            whole = len(found.rows) < fetch or fetch == num_points
            rows, scores = self._ranked(found, verdict, whole=whole)
            kept = among.recheck.keep(
                rows, scores, verdict=verdict, excluded=self._excluded, depth=depth, leaked=self._leaked
            )
            if len(kept.rows) == depth:
                return Candidates(kept.rows, kept.scores, False)
            if whole:
                return Candidates(kept.rows, kept.scores, True, kept.num_excluded)
            fetch = min(fetch * _WIDEN, num_points)

    def scores_of(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """(R,) which part of the text's weight rows reach, and what more for what they are called (Scored)."""
        return self._weighed(rows, self._among.rows.words(rows).scores(self._query.words))

    def _weighed(self, rows: NDArray[np.int64], scores: NDArray[np.float32]) -> NDArray[np.float64]:
        ranked = self._query.parts(scores)
        return ranked + self._query.more_for_names(rows) if self._query.called else ranked

    def _ranked(self, found: Nearest, verdict: Verdict, *, whole: bool) -> tuple[list[int], list[float]]:
        """What the engine found, the journal's rows and those that are called so.

        Unless it gave the `whole` of them, the engine may have more of the last score: those, in no order that would
        stay, wait for a wider search, and with them all rows of the journal that are no better.
        """
        query, current = self._query, self._among.rows
        rows, scores = np.array(found.rows, np.int64), np.array(found.scores, np.float32)
        lowest = np.float32(0) if whole or not len(scores) else scores[-1]
        rows, scores = rows[scores > lowest], scores[scores > lowest]
        slots = verdict.new_slots()
        if len(slots):
            new_scores = current.new.words().scores(query.words)[slots]
            # Beside one another they are scored alike, as the last bits of the engine's sums are others.
            better = new_scores > lowest * _SURELY_MORE
            rows = np.concatenate((rows, slots[better] + current.num_own))
            scores = current.words(rows).scores(query.words)
        if query.called:
            there = set(rows.tolist())
            shown = set((slots + current.num_own).tolist())
            missing = [
                row
                for row in query.called
                if row not in there and (row in shown if row >= current.num_own else verdict.passes(row))
            ]
            rows = np.concatenate((rows, np.array(missing, np.int64)))
            scores = np.concatenate((scores, current.words(missing).scores(query.words)))
        ranked = self._weighed(rows, scores)
        order = np.lexsort((rows, -ranked))
        return cast("list[int]", rows[order].tolist()), cast("list[float]", ranked[order].tolist())
