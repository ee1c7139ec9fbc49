"""The search mode `hybrid`: by words and by meaning together."""

import asyncio

from service.loaded.exclusions import Exclusions
from service.loaded.kind_quotas import KindQuota
from service.ranking.hybrid import FIRST_POOL, Hybrid
from service.ranking.lexical import Lexical
from service.ranking.text_search import OfTexts, TextSearch

_NONE = Exclusions(frozenset())


class HybridMode(OfTexts):
    """By the scores of both, joined (service/ranking/hybrid_score.py)."""

    name = "hybrid"
    by_words_alone = False
    finds_passages = True

    async def ranking(self, search: TextSearch, text: str, quota: KindQuota, excluded: Exclusions) -> Hybrid:
        """As SearchMode."""
        search.check_text()
        search.check_words()
        context = quota.context
        # Found by its meaning and by its words, a row is one leak.
        leaked: set[int] = set()
        words = search.queries.words(text)
        lexical = Lexical(search.neighbours, words, context=context, excluded=_NONE, leaked=leaked)
        known = search.encoder.known(text)
        if known is None:
            # The engine looks for the words while the encoder's thread is at work; the finder keeps what it finds.
            vector = (await asyncio.gather(search.encoder.vector(text), lexical.first(FIRST_POOL)))[0]
        else:
            vector = known
        meaning = search.queries.meaning(text, vector)
        return Hybrid(
            search.neighbours,
            search.nearest(meaning.vector, context, _NONE, leaked),
            lexical,
            meaning,
            words,
            search.hybrid_cache,
            text=text,
            context=context,
            excluded=excluded,
            leaked=leaked,
        )
