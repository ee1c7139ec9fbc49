"""The search mode `semantic`: by meaning alone, that of a whole item or of a passage of its text."""

from indexing.release.release import Release
from service.loaded.exclusions import Exclusions
from service.loaded.kind_quotas import KindQuota, KindQuotas
from service.ranking.contract import Ranking
from service.ranking.text_search import TextSearch


class SemanticMode:
    """By the text encoder's vectors."""

    name = "semantic"
    by_words_alone = False
    finds_passages = True

    def likeness_space(self, release: Release) -> str:
        """As SearchMode."""
        return "text" if release.has_text else release.space

    def ranks_all_kinds(self, quotas: KindQuotas) -> bool:  # noqa: ARG002  # as SearchMode
        """As SearchMode: the texts of both kinds lie in one space."""
        return True

    async def ranking(self, search: TextSearch, text: str, quota: KindQuota, excluded: Exclusions) -> Ranking:
        """As SearchMode."""
        search.check_text()
        return search.nearest(await search.encoder.vector(text), quota.context, excluded, set())
