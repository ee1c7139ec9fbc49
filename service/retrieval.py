"""How every query route finds its rows: one filtered search, widened until the page is full, re-checked row by row."""

import logging

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from indexing.context import RequestContext
from indexing.finder import Finder, Nearest
from indexing.store import VectorStore
from service.excluded import Excluded
from service.rows import find_rows
from service.served import ServedRelease
from service.short_reason import short_reason
from service.verdicts import Verdict, Verdicts

_log = logging.getLogger("nearfield.service")

# A first search is made this many pages larger at most for what will be dropped; a listener's own neighbourhood is
# dense with what they have heard, and 50 rows cost the engine hardly more than 10.
_SPARE_PAGES = 4
_WIDEN = 4
# An index that is wrong throughout must not fill the disk with lines that say the same.
_TOLD_LEAKS = 1_000


class Page(Struct, frozen=True):
    """Rows and their scores, best first; `short_reason` where there are fewer than were asked for."""

    rows: list[int]
    scores: list[float]
    short_reason: str | None = None


class Retriever:
    """Answers from one release. Rows that the request excludes are dropped after the search, never by the engine:
    an id list in the filter costs milliseconds where a larger page costs microseconds (docs/log.md)."""

    def __init__(self, store: VectorStore, served: ServedRelease) -> None:
        columns = served.release.columns
        self._finder = Finder.of_release(store, served.release, served.rules.version)
        self._rules = served.rules
        self._collection = served.release.id
        self._ids = columns.ids
        self._num_points = len(columns)
        self._verdicts = Verdicts(columns)
        # The rules block these by id, which the engine does not hold: expected in its answers, and no leak.
        self._blocked = find_rows(columns.ids.find, served.rules.ruleset.blocked_items)
        self._told_leaks: set[int] = set()
        self.leaks = 0

    @property
    def unmeasured_shapes(self) -> int:
        """How many shapes of requests came that the doctor never measured."""
        return self._finder.unmeasured_shapes

    async def answer(
        self, vector: NDArray[np.float32], *, using: str, context: RequestContext, excluded: Excluded, limit: int
    ) -> Page:
        """The `limit` items nearest to the unit vector (dims,) in the space `using` that the rules let pass.

        Raises StoreError when the engine fails.
        """
        compiled = self._rules.compile(context)
        fetch = min(limit + min(len(excluded), _SPARE_PAGES * limit), self._num_points)
        verdict = self._verdicts.of(compiled)
        leaked: set[int] = set()
        exact = False
        while True:
            found = await self._finder.nearest(vector, using=using, compiled=compiled, limit=fetch, exact=exact)
            page = self._page(found, verdict, excluded, limit, leaked)
            if len(page.rows) == limit:
                return page
            if len(found.rows) == fetch < self._num_points:
                fetch = min(fetch * _WIDEN, self._num_points)
            elif not found.exact:
                # A graph under a filter can stop early; only a scan proves that there is no more.
                exact = True
            else:
                passing = len(found.rows)
                reason = short_reason(context, passing=passing, dropped=passing - len(page.rows))
                return Page(page.rows, page.scores, reason)

    def _page(self, found: Nearest, verdict: Verdict, excluded: Excluded, limit: int, leaked: set[int]) -> Page:
        rows: list[int] = []
        scores: list[float] = []
        blocked, passes = self._blocked, verdict.passes
        for row, score in zip(found.rows, found.scores, strict=True):
            if row in excluded or row in blocked:
                continue
            if not passes(row):
                # A widened search meets the same row again; it is one leak.
                if row not in leaked:
                    leaked.add(row)
                    self._count_leak(row)
                continue
            rows.append(row)
            scores.append(score)
            if len(rows) == limit:
                break
        return Page(rows, scores)

    def _count_leak(self, row: int) -> None:
        self.leaks += 1
        if row in self._told_leaks or len(self._told_leaks) >= _TOLD_LEAKS:
            return
        self._told_leaks.add(row)
        _log.error(
            "leak stopped: the engine gave row %d (item %r) of release %s, which the rules forbid; "
            "the index and the columns differ. Build again and activate, or roll back.",
            row,
            self._ids.id_at(row),
            self._collection,
        )
