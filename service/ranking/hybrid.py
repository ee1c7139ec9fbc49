"""The hybrid ranking: rows found by words and by meaning, by the scores of both (service/ranking/hybrid_score.py)."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indexing.rules.context import RequestContext
from service.loaded.exclusions import Exclusions
from service.ranking.contract import Candidates, Ranking
from service.ranking.hybrid_cache import Block, HybridCache
from service.ranking.hybrid_score import hybrid_scores
from service.ranking.lexical import Lexical
from service.ranking.nearest import Neighbours
from service.ranking.semantic import scores_of
from service.ranking.text_query import NAMED, SemanticQuery, TextQuery
from service.schemas.answers import Space

# Candidates of each; 32 and 200 gave the same recall@10. Two pages of twenty are filled by the first of each, and every
# row of a text that is asked for the first time costs some 10 us.
FIRST_POOL, _WIDEN = 40, 4


class Hybrid:
    """The nearest rows and those that share the most words, by both scores of each, worked out exactly.

    The formula is that of service/ranking/hybrid_score.py; .5 is the average row. Items that are called so stand above
    all, as in `Lexical`. The first forty of each
    are ranked together, then what the next hundred and twenty of each add, and so on: no row moves when more are asked
    for.
    """

    def __init__(
        self,
        among: Neighbours,
        nearest: Ranking,
        lexical: Lexical,
        meaning: SemanticQuery,
        query: TextQuery,
        blocks: HybridCache,
        *,
        text: str,
        context: RequestContext,
        excluded: Exclusions,
        leaked: set[int],
    ) -> None:
        """`nearest` and `lexical` exclude nothing: what they find is kept for the next one who asks for `text`. All
        three share `leaked`."""
        self._among, self._nearest, self._lexical = among, nearest, lexical
        self._meaning, self._query, self._blocks, self._text = meaning, query, blocks, text
        self._compiled = among.rules.compile(context)
        self._excluded, self._leaked = excluded, leaked

    def spaces_of(self, rows: Sequence[int]) -> Sequence[Space]:
        """As Ranking."""
        return ["text+bm25"] * len(rows)

    async def first(self, depth: int) -> Candidates:
        """The best `depth` rows (Ranking.first). Raises StoreError when the engine fails."""
        recheck = self._among.recheck
        rows: list[int] = []
        scores: list[float] = []
        pool = FIRST_POOL
        while True:
            block = await self._block(pool, rows)
            rows.extend(block.rows)
            scores.extend(block.scores)
            # What was let pass before the last question to the engine may have been taken down since.
            kept = recheck.keep(
                rows,
                scores,
                verdict=recheck.verdict(self._compiled),
                excluded=self._excluded,
                depth=depth,
                leaked=self._leaked,
            )
            if len(kept.rows) == depth:
                left = scores[rows.index(kept.rows[-1]) + 1 :]
                return Candidates(kept.rows, kept.scores, False, most_to_come=max((block.most_to_come, *left)))
            if block.exhausted:
                return Candidates(kept.rows, kept.scores, True, kept.num_excluded)
            pool *= _WIDEN

    async def _block(self, pool: int, before: list[int]) -> Block:
        """The first `pool` of each that are not among those `before`."""
        seq = self._among.rows.seq
        known = self._blocks.find(self._text, pool, self._compiled, seq)
        if known is not None:
            return known
        matching, near = await self._lexical.first(pool), await self._nearest.first(pool)
        there = set(before)
        fresh = [row for row in dict.fromkeys((*near.rows, *matching.rows)) if row not in there]
        ranked = self.scores_of(np.array(fresh, np.int64))
        order = np.lexsort((np.array(fresh), -ranked))
        rows, scores = [fresh[place] for place in order], ranked[order].tolist()
        block = Block(rows, scores, near.exhausted, self._most_after(matching, near))
        if self._among.rows.seq == seq:
            self._blocks.keep(self._text, pool, self._compiled, seq, block)
        return block

    def _most_after(self, matching: Candidates, near: Candidates) -> float:
        """What a row can score at the most that is among neither."""
        if near.exhausted or (not matching.exhausted and matching.scores[-1] >= NAMED):
            return math.inf
        in_words = 0.0 if matching.exhausted else matching.scores[-1]
        nearest = self._meaning.spread.standard(np.array(near.scores[-1:], np.float32))
        return float(hybrid_scores(nearest, np.array([in_words]))[0])

    def parts_of(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
        """Of rows (R,) what their scores are made of: meaning and words, as hybrid_score.py has them, and how much
        higher each stands for what it is called, (R,) each."""
        current, query = self._among.rows, self._query
        meaning = self._meaning.spread.standard(scores_of(rows, current, self._meaning.vector))
        return meaning, query.parts(current.words(rows).scores(query.words)), query.more_for_names(rows)

    def scores_of(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """(R,) by meaning and words together (Scored)."""
        if not len(rows):
            return np.zeros(0)
        meaning, words, called = self.parts_of(rows)
        return hybrid_scores(meaning, words) + called
