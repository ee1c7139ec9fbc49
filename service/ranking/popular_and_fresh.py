"""Popular and fresh lists: rankings that are the same for every listener of a context.

Both are orders made at the build, with the journal's rows where they belong.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from heapq import merge
from itertools import islice

from msgspec import Struct

from indexing.columns.presorted import UNDATED, PresortedList, freshness_of
from indexing.payload.payload import Payload
from indexing.rules.context import RequestContext
from service.loaded.exclusions import Exclusions
from service.loaded.loaded_release import LoadedRelease
from service.loaded.recheck import Recheck
from service.ranking.contract import Candidates
from service.ranking.filtered_iteration import FilteredIterators, Placed

# A first look is this many pages deeper at most for what will be left out.
_SPARE_PAGES = 4
_WIDEN = 4
_DAY_S = 86_400
_US = 1_000_000
# After so many days an item is half as fresh.
_HALF_LIFE_DAYS = 30.0


class PopularAndFresh:
    """The orders of one release, under its rules."""

    def __init__(self, loaded: LoadedRelease, recheck: Recheck) -> None:
        self.rows, self.rules, self.recheck = loaded.rows, loaded.rules, recheck
        self._orders = loaded.release.presorted
        self.iterators = FilteredIterators(loaded.release.fields)

    def popular(self, context: RequestContext, excluded: Exclusions) -> "PresortedRanking":
        """Rows that somebody heard gladly, the most popular first; scored by that: above 0, at most 1."""
        by = _By(self._orders.popularity, lambda payload: payload.popularity or None, lambda popularity: popularity)
        return PresortedRanking(self, by, context, excluded)

    def fresh(self, context: RequestContext, excluded: Exclusions) -> "PresortedRanking":
        """All rows: the newest first, then those without a date, last those of a date after the context's.

        Scored by 2 ** (-age / 30 days), and by 0 without an age.
        """

        # A context is of a whole second; what was published in it is new, not still to come.
        at_us = context.at_s * _US
        ends_us = at_us + _US - 1

        def score(published_us: float) -> float:
            if not UNDATED < published_us <= ends_us:
                return 0.0
            return float(2.0 ** (min(0.0, published_us - at_us) / _US / _DAY_S / _HALF_LIFE_DAYS))

        return PresortedRanking(self, _By(self._orders.freshness, freshness_of, score, ends_us), context, excluded)


class _By(Struct, frozen=True):
    """What rows are ordered by: an order of the release, the value of a row that came since (None: it has no place),
    the score of a value; those above `highest` come after all others."""

    order: PresortedList
    value_of: Callable[[Payload], float | None]
    score: Callable[[float], float]
    highest: float = float("inf")


class PresortedRanking:
    """Rows of one order that the rules let pass in `context` and that are not `excluded`."""

    def __init__(self, lists: PopularAndFresh, by: _By, context: RequestContext, excluded: Exclusions) -> None:
        self._lists, self._by, self._excluded = lists, by, excluded
        compiled = lists.rules.compile(context)
        self._verdict = lists.recheck.verdict(compiled)
        start = bisect_left(by.order.values, True, key=lambda value: value <= by.highest)
        self._iterator = lists.iterators.of(by.order, start, compiled, self._verdict)
        self._leaked: set[int] = set()

    def spaces_of(self, rows: Sequence[int]) -> Sequence[None]:  # as Ranking
        """As Ranking: by none."""
        return [None] * len(rows)

    async def first(self, depth: int) -> Candidates:
        """The first `depth` rows (Ranking.first)."""
        fetch = depth + min(len(self._excluded), _SPARE_PAGES * depth)
        while True:
            placed = self._iterator.own(fetch)
            if self._lists.rows.new.payloads:
                placed = self._with_new(placed, fetch)
            kept = self._lists.recheck.keep(
                [row for _, row in placed],
                [self._by.score(value) for value, _ in placed],
                verdict=self._verdict,
                excluded=self._excluded,
                depth=depth,
                leaked=self._leaked,
            )
            if len(kept.rows) == depth:
                return Candidates(kept.rows, kept.scores, False)
            if len(placed) < fetch:
                return Candidates(kept.rows, kept.scores, True, kept.num_excluded)
            fetch *= _WIDEN

    def _with_new(self, own: list[Placed], fetch: int) -> list[Placed]:
        new, highest = self._iterator.new(self._lists.rows, self._by.value_of), self._by.highest
        start = bisect_left(new, True, key=lambda one: one[0] <= highest)
        joined = merge(own, new[start:] + new[:start], key=lambda one: (one[0] > highest, -one[0]))
        return list(islice(joined, fetch))
