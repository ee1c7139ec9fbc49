"""The plan `narrow`: scan the principal components of the rows that pass, then score the best of them in full."""

from collections.abc import Sequence

from msgspec.structs import replace

from indexing.search.column_scan import NearestQuery
from indexing.search.plan import Collection, Nearest


class PrincipalComponentsPlan:
    """For wide vectors: it reads a third of what the columns hold, and may miss some."""

    # Plans files have it so.
    name = family = stored = "narrow"
    asks_engine = False

    def worth_trying(self, queries: Sequence[NearestQuery], collection: Collection, *, scan_is_slow: bool) -> bool:
        """As Plan; of few rows all would be scored in full."""
        del scan_is_slow
        return not any(collection.scan.scores_all(_by_components(query)) for query in queries)

    async def nearest(self, query: NearestQuery, collection: Collection) -> Nearest:
        """As Plan."""
        query = _by_components(query)
        found = await collection.scanned(query)
        is_exact = collection.scan.scores_all(query)
        return Nearest(found.rows, found.scores, is_exact, self.name, query.without is not None)


def _by_components(query: NearestQuery) -> NearestQuery:
    return replace(query, by_components=True)


PRINCIPAL_COMPONENTS = PrincipalComponentsPlan()
