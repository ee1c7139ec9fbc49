"""The search mode `semantic`: by meaning alone, that of a whole item or of a passage of its text."""

from service.loaded.exclusions import Exclusions
from service.loaded.kind_quotas import KindQuota
from service.ranking.contract import Ranking
from service.ranking.text_search import OfTexts, TextSearch


class SemanticMode(OfTexts):
    """By the text encoder's vectors."""

    name = "semantic"
    by_words_alone = False
    finds_passages = True

    async def ranking(self, search: TextSearch, text: str, quota: KindQuota, excluded: Exclusions) -> Ranking:
        """As SearchMode."""
        search.check_text()
        return search.nearest(await search.encoder.vector(text), quota.context, excluded, set())
