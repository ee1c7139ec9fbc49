"""The search mode `lexical`: by words alone, which needs no text encoder."""

from indexing.release.release import Release
from service.loaded.exclusions import Exclusions
from service.loaded.kind_quotas import KindQuota, KindQuotas
from service.ranking.lexical import Lexical
from service.ranking.text_search import TextSearch


class LexicalMode:
    """By words (BM25), and by what items are called."""

    name = "lexical"
    by_words_alone = True
    finds_passages = False

    def likeness_space(self, release: Release) -> str:
        """As SearchMode."""
        return "text" if release.has_text else release.space

    def ranks_all_kinds(self, quotas: KindQuotas) -> bool:  # noqa: ARG002  # as SearchMode
        """As SearchMode: the texts of both kinds lie in one space."""
        return True

    async def ranking(self, search: TextSearch, text: str, quota: KindQuota, excluded: Exclusions) -> Lexical:
        """As SearchMode."""
        search.check_words()
        words = search.queries.words(text)
        return Lexical(search.neighbours, words, context=quota.context, excluded=excluded)
