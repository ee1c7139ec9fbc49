"""The ranking by nearness to a vector: a filtered search, widened until deep enough, re-checked row by row."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexing.columns.scoring import one_by_one
from indexing.journal.current_rows import CurrentRows
from indexing.rules.compiled import HardRules
from indexing.rules.context import RequestContext
from indexing.search.finder import Finder
from indexing.search.plan import Nearest as Found
from service.loaded.exclusions import Exclusions
from service.loaded.recheck import Kept, Recheck
from service.loaded.verdicts import Verdict
from service.ranking.contract import Candidates
from service.schemas.answers import Space

# A first search is made this many pages larger at most for what will be dropped; a listener's own neighbourhood is
# dense with what they have heard, and 50 rows cost the engine hardly more than 10. Hundreds do cost.
_SPARE_PAGES, _MOST_SPARE = 4, 200
_WIDEN = 4
# Fewer than so many are left out of an answer faster than out of a scan.
_MANY_HEARD = 1_000
# Searched again, it is for as much as the first search says will do, and half as many again to spare; beyond so many
# pages the engine takes longer than a scan of the columns.
_AGAIN_SPARE, _DEEPEST_PAGES = 1.5, 25
# The most rows that a search lacked of late is forgotten so slowly: a row to spare costs a hundredth of a search.
_LACK_FADES = 1 / 64


class Neighbours:
    """Where the nearest rows of one release are found. Rows that a request excludes, and those that the journal has
    replaced or hidden, are dropped after the search, never by the engine: an id list in the filter costs milliseconds
    where a deeper search costs microseconds (docs/log.md)."""

    def __init__(self, finder: Finder, rules: HardRules, rows: CurrentRows, recheck: Recheck) -> None:
        self.finder, self.rules, self.rows, self.recheck = finder, rules, rows, recheck
        self._lack = 0.0

    @property
    def num_to_spare(self) -> int:
        """How many rows more a search needs for those that the journal will drop and not replace."""
        return round(self._lack)

    def note_lack(self, num_lacking: int) -> None:
        """Tell how many more rows of a search the journal dropped than it put in their place."""
        self._lack = max(num_lacking, (1 - _LACK_FADES) * self._lack)


class Nearest:
    """Rows of one release by their nearness to a unit vector (dims,) in the space `using`, those alone that the rules
    let pass in `context` and that are not `excluded`."""

    def __init__(
        self,
        among: Neighbours,
        vector: NDArray[np.float32],
        *,
        using: str,
        context: RequestContext,
        excluded: Exclusions,
        leaked: set[int] | None = None,
    ) -> None:
        """`leaked` are rows that this request has counted as leaks, where other rankings of it share them."""
        self._among = among
        self.vector = vector
        self.using = using
        self.space: Space = "tower" if using == "tower" else "text"
        self.context = context
        self._compiled = among.rules.compile(context)
        self._excluded = excluded
        self._leaked: set[int] = set() if leaked is None else leaked
        self.plan: str | None = None
        """The name of the plan by which it was searched last."""
        self._exact = False
        # What a scan leaves out by number: many heard items, and in the end all that is excluded.
        self._without: NDArray[np.integer[Any]] | None = None
        if len(excluded.heard) > _MANY_HEARD:
            self._without = excluded.heard
        self._without_all = False

    def spaces_of(self, rows: Sequence[int]) -> Sequence[Space]:
        """As Ranking."""
        return [self.space] * len(rows)

    async def first(self, depth: int) -> Candidates:
        """The `depth` nearest rows (Ranking.first). Raises StoreError when the engine fails."""
        among = self._among
        num_points = among.rows.num_own
        spare = 0 if self._without_all else min(len(self._excluded), _SPARE_PAGES * depth, _MOST_SPARE)
        fetch = min(depth + spare + among.num_to_spare, num_points)
        verdict = among.recheck.verdict(self._compiled)
        while True:
            found = await among.finder.nearest(
                self.vector,
                using=self.using,
                compiled=self._compiled,
                limit=fetch,
                exact=self._exact,
                without=self._without,
            )
            # No await from here to the answer: the journal cannot move on between two of its rows.
            self.plan = found.plan
            rows, scores = found.rows, found.scores
            if among.rows.new.payloads:
                proven = found.exact and (len(found.rows) < fetch or fetch == num_points)
                rows, scores = self._with_new(rows, scores, verdict, proven=proven)
            kept = among.recheck.keep(
                rows, scores, verdict=verdict, excluded=self._excluded, depth=depth, leaked=self._leaked
            )
            among.note_lack(kept.num_dropped - kept.num_new)
            if len(kept.rows) == depth:
                return Candidates(kept.rows, kept.scores, False)
            if len(found.rows) == fetch < num_points:
                fetch = min(self._widened(fetch, depth, kept, found), num_points)
            elif not found.exact:
                # A graph under a filter can stop early; only a scan proves that there is no more.
                self._exact = True
            else:
                thinned = self._num_without() if found.thinned else 0
                return Candidates(kept.rows, kept.scores, True, kept.num_excluded + thinned)

    def scores_of(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """(R,) how near rows are (Scored)."""
        return one_by_one(self._among.rows.vectors(self.using, rows), self.vector).astype(np.float64)

    def _widened(self, fetch: int, depth: int, kept: Kept, found: Found) -> int:
        """How deep to search next, where `fetch` was too little."""
        if not kept.num_excluded or self._without_all:
            return fetch * _WIDEN
        enough = math.ceil(_AGAIN_SPARE * depth * fetch / max(1, len(kept.rows)))
        if not found.exact and kept.rows and enough <= _DEEPEST_PAGES * depth:
            return max(enough, fetch + depth)
        # What is excluded lies thick around the query: one scan without it is cheaper than wider and wider searches.
        without = self._excluded.all_rows()
        without = without[: np.searchsorted(without, self._among.rows.num_own)]
        self._without = without if len(without) else None
        self._without_all = self._exact = True
        return depth + self._among.num_to_spare

    def _num_without(self) -> int:
        """How many rows that the rules let pass a scan left out by number."""
        if self._without is None:
            return 0
        passing = self._among.finder.passing_rows(self._compiled)
        passing = passing[np.frombuffer(self._among.rows.dropped, dtype=np.uint8)[passing] == 0]
        return len(np.intersect1d(passing, self._without, assume_unique=True))

    def _with_new(
        self, rows: list[int], scores: list[float], verdict: Verdict, *, proven: bool
    ) -> tuple[list[int], list[float]]:
        """What the engine found and the journal's rows, best first.

        Unless it is `proven` that the engine has no more, its next row may be as near as its last one, and comes before
        a row of the journal that is no nearer: that one waits for a wider search.
        """
        slots = verdict.new_slots()
        if not len(slots):
            return rows, scores
        current = self._among.rows
        last = np.float32(scores[-1] if scores else math.inf)
        least = -math.inf if proven else float(np.nextafter(last, np.float32(math.inf)))
        slots, new_scores = current.new.near(self.using, self.vector, slots, least)
        joined = rows + (slots + current.num_own).tolist()
        joined_scores = scores + new_scores.tolist()
        order = sorted(range(len(joined)), key=joined_scores.__getitem__, reverse=True)
        return [joined[place] for place in order], [joined_scores[place] for place in order]
