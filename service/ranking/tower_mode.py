"""The search mode `tower`: by what listeners hear together, in a model that has learnt text queries."""

from indexing.release.release import Release
from service.loaded.exclusions import Exclusions
from service.loaded.kind_quotas import KindQuota, KindQuotas
from service.ranking.contract import Ranking
from service.ranking.nearest import Nearest
from service.ranking.text_search import TextSearch


class TowerMode:
    """By the query tower's vector of the text; of a kind that the tower knows nothing of, by meaning."""

    name = "tower"
    by_words_alone = False
    finds_passages = False

    def likeness_space(self, release: Release) -> str:
        """As SearchMode."""
        return release.space

    def ranks_all_kinds(self, quotas: KindQuotas) -> bool:
        """As SearchMode: it has learnt each text against items of both, but only of kinds of which it saw likes."""
        return quotas.all_learnt

    async def ranking(self, search: TextSearch, text: str, quota: KindQuota, excluded: Exclusions) -> Ranking:
        """As SearchMode."""
        search.check_text()
        tower = search.checked_tower()
        vector = await search.encoder.vector(text)
        if not search.kind_quotas.in_tower(quota.kind):
            return search.nearest(vector, quota.context, excluded, set())
        return Nearest(
            search.neighbours,
            tower.encode_text(vector),
            using=search.release.space,
            context=quota.context,
            excluded=excluded,
        )
