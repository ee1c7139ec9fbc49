"""How every query route finds its rows: one filtered search, widened until the page is full, re-checked row by row."""

import logging
import math

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from indexing.context import RequestContext
from indexing.finder import Finder
from indexing.stores.contract import VectorStore
from service.excluded import Excluded
from service.rows import find_rows
from service.served import ServedRelease
from service.short_reason import short_reason
from service.verdicts import PASSES, Verdict, Verdicts

_log = logging.getLogger("nearfield.service")

# A first search is made this many pages larger at most for what will be dropped; a listener's own neighbourhood is
# dense with what they have heard, and 50 rows cost the engine hardly more than 10.
_SPARE_PAGES = 4
_WIDEN = 4
# Of the rows that the journal drops, the average over some 16 searches, and half as many again to spare.
_STALE_WEIGHT, _STALE_SPARE = 1 / 16, 1.5
# An index that is wrong throughout must not fill the disk with lines that say the same.
_TOLD_LEAKS = 1_000


class Page(Struct, frozen=True):
    """Rows and their scores, best first; `short_reason` where there are fewer than were asked for."""

    rows: list[int]
    scores: list[float]
    short_reason: str | None = None


class Retriever:
    """Answers from one release. Rows that the request excludes, and those that the journal has replaced or hidden,
    are dropped after the search, never by the engine: an id list in the filter costs milliseconds where a larger
    page costs microseconds (docs/log.md)."""

    def __init__(self, store: VectorStore, served: ServedRelease) -> None:
        self._finder = Finder.of_release(store, served.release, served.rules.version)
        self._rules = served.rules
        self._rows = served.rows
        self._num_points = served.rows.num_own
        self._verdicts = Verdicts(served.rows)
        # The rules block these by id, which the engine does not hold: expected in its answers, and no leak.
        self._blocked = find_rows(served.release.columns.ids.find, served.rules.ruleset.blocked_items)
        # Rows of a search that the journal dropped, lately, on average.
        self._stale = 0.0
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
        spare = min(len(excluded), _SPARE_PAGES * limit) + math.ceil(_STALE_SPARE * self._stale)
        fetch = min(limit + spare, self._num_points)
        verdict = self._verdicts.of(compiled)
        leaked: set[int] = set()
        exact = False
        while True:
            found = await self._finder.nearest(vector, using=using, compiled=compiled, limit=fetch, exact=exact)
            # No await from here to the answer: the journal cannot move on between two rows of one page.
            candidates = _Candidates(found.rows, found.scores)
            if self._rows.new.payloads:
                proven = found.exact and (len(found.rows) < fetch or fetch == self._num_points)
                candidates = self._with_new(candidates, vector, using, verdict, proven=proven)
            page, num_passing = self._page(candidates, verdict, excluded, limit, leaked)
            if len(page.rows) == limit:
                return page
            if len(found.rows) == fetch < self._num_points:
                fetch = min(fetch * _WIDEN, self._num_points)
            elif not found.exact:
                # A graph under a filter can stop early; only a scan proves that there is no more.
                exact = True
            else:
                shares = self._rules.kept_out(context)
                reason = short_reason(
                    context,
                    passing=num_passing,
                    dropped=num_passing - len(page.rows),
                    kept_out={rule: round(share * self._num_points) for rule, share in shares.items()},
                )
                return Page(page.rows, page.scores, reason)

    def _with_new(
        self, found: "_Candidates", vector: NDArray[np.float32], using: str, verdict: Verdict, *, proven: bool
    ) -> "_Candidates":
        """What the engine found and the journal's rows, best first.

        Unless it is `proven` that the engine has no more, its next row may be as near as its last one: a row of the
        journal that is farther away waits for a wider search.
        """
        slots = verdict.new_slots()
        if not len(slots):
            return found
        scores = (self._rows.new.vectors(using) @ vector)[slots]
        if not proven:
            near = scores >= (found.scores[-1] if found.scores else math.inf)
            slots, scores = slots[near], scores[near]
        rows = np.concatenate((found.rows, slots + self._rows.num_own)).astype(np.int64)
        scores = np.concatenate((found.scores, scores))
        order = np.argsort(-scores, kind="stable")
        return _Candidates(rows[order].tolist(), scores[order].tolist())

    def _page(
        self, candidates: "_Candidates", verdict: Verdict, excluded: Excluded, limit: int, leaked: set[int]
    ) -> tuple[Page, int]:
        """The first `limit` candidates that may be shown, and, where they are fewer, how many the rules let pass."""
        rows: list[int] = []
        scores: list[float] = []
        blocked, passes, known, num_own = self._blocked, verdict.passes, verdict.known, self._rows.num_own
        # Every row looked up costs a miss of the cache; most services have nothing to look for here.
        dropped = self._rows.dropped if self._rows.any_dropped else None
        num_dropped = num_leaked = 0
        for row, score in zip(candidates.rows, candidates.scores, strict=True):
            if dropped is not None and dropped[row]:
                num_dropped += 1
                continue
            if row in excluded or row in blocked:
                continue
            if row >= num_own:
                if self._rows.origin(row) in excluded:
                    continue
            elif known[row] != PASSES and not passes(row):
                num_leaked += 1
                # A widened search meets the same row again; it is one leak.
                if row not in leaked:
                    leaked.add(row)
                    self._count_leak(row)
                continue
            rows.append(row)
            scores.append(score)
            if len(rows) == limit:
                break
        self._stale += _STALE_WEIGHT * (num_dropped - self._stale)
        return Page(rows, scores), len(candidates.rows) - num_dropped - num_leaked

    def _count_leak(self, row: int) -> None:
        self.leaks += 1
        if row in self._told_leaks or len(self._told_leaks) >= _TOLD_LEAKS:
            return
        self._told_leaks.add(row)
        _log.error(
            "leak stopped: the engine gave row %d (item %r) of release %s, which the rules forbid; "
            "the index and the columns differ. Build again and activate, or roll back.",
            row,
            self._rows.payload(row).id,
            self._rows.release.id,
        )


class _Candidates(Struct, frozen=True):
    rows: list[int]
    scores: list[float]
