"""The plan `columns`: score every row that passes, straight from the columns. It misses nothing."""

from collections.abc import Sequence

from indexing.search.column_scan import NearestQuery
from indexing.search.plan import Collection, Nearest


class ColumnsPlan:
    """What answers where nothing was measured; the doctor measures it for every shape, and the others against it."""

    name = family = stored = "columns"
    asks_engine = False

    def worth_trying(self, queries: Sequence[NearestQuery], collection: Collection, *, scan_is_slow: bool) -> bool:
        """As Plan."""
        del queries, collection, scan_is_slow
        return True

    async def nearest(self, query: NearestQuery, collection: Collection) -> Nearest:
        """As Plan."""
        found = await collection.scanned(query)
        return Nearest(found.rows, found.scores, True, self.name, query.without is not None)


COLUMNS = ColumnsPlan()
