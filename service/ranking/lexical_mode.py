"""The search mode `lexical`: by words alone, which needs no text encoder."""

from service.loaded.exclusions import Exclusions
from service.loaded.kind_quotas import KindQuota
from service.ranking.lexical import Lexical
from service.ranking.text_search import OfTexts, TextSearch


class LexicalMode(OfTexts):
    """By words (BM25), and by what items are called."""

    name = "lexical"
    by_words_alone = True
    finds_passages = False

    async def ranking(self, search: TextSearch, text: str, quota: KindQuota, excluded: Exclusions) -> Lexical:
        """As SearchMode."""
        search.check_words()
        words = search.queries.words(text)
        return Lexical(search.neighbours, words, context=quota.context, excluded=excluded)
