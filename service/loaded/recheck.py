"""The re-check: no row leaves that the journal dropped, the request excludes or the rules forbid."""

from itertools import compress

from msgspec import Struct

from indexing.rules.compiled import CompiledContext
from service.loaded.exclusions import Exclusions
from service.loaded.known_ids import find_rows
from service.loaded.loaded_release import LoadedRelease
from service.loaded.verdicts import PASSES, Verdict, Verdicts

# Rows looked at together, times those that are wanted.
_LOOKED_AT = 2


class Kept(Struct, frozen=True):
    """Rows that may be shown with their scores, and why the others that were looked at may not.

    `num_new` of the rows are the journal's.
    """

    rows: list[int]
    scores: list[float]
    num_new: int
    num_dropped: int
    num_excluded: int


class Recheck:
    """Re-checks the rows of one release; those that an index gave and the rules forbid are counted as leaks."""

    def __init__(self, loaded: LoadedRelease) -> None:
        self._rows = loaded.rows
        self._verdicts = Verdicts(loaded.rows)
        # The rules block these by id, which the engine does not hold: expected in its answers, and no leak.
        self.blocked = find_rows(loaded.release.columns.ids.find, loaded.rules.ruleset.blocked_items)
        """The release's own rows that the rules block by id."""
        self._leaks = loaded.leaks

    def verdict(self, compiled: CompiledContext) -> Verdict:
        """What the rules of one context say, row by row."""
        return self._verdicts.of(compiled)

    def passes(self, compiled: CompiledContext, row: int) -> bool:
        """Whether the rules of one context let a row pass, the journal's rows too."""
        if row < self._rows.num_own:
            return self._verdicts.of(compiled).passes(row)
        return compiled.accepts(self._rows.payload(row))

    def keep(
        self,
        rows: list[int],
        scores: list[float],
        *,
        verdict: Verdict,
        excluded: Exclusions,
        depth: int,
        leaked: set[int],
    ) -> Kept:
        """The first `depth` of `rows` that may be shown; `leaked` rows were counted before in this request."""
        if not (self._rows.any_dropped or self._rows.new.payloads):
            wanted: list[bool] = []
            num_wanted = 0
            while num_wanted < depth and len(wanted) < len(rows):
                # Most of what is there to spare need not be looked at.
                more = excluded.others(rows[len(wanted) : len(wanted) + _LOOKED_AT * depth])
                wanted += more
                num_wanted += sum(more)
            first = list(compress(rows, wanted))[:depth]
            if verdict.passed_all(first) and self.blocked.isdisjoint(first):
                # Mostly so, and then told of all rows together in a third of the time.
                return Kept(first, list(compress(scores, wanted))[:depth], 0, 0, len(wanted) - num_wanted)
        kept: list[int] = []
        kept_scores: list[float] = []
        blocked, passes, known, num_own = self.blocked, verdict.passes, verdict.known, self._rows.num_own
        # Every row looked up costs a miss of the cache; most services have nothing to look for here.
        dropped = self._rows.dropped if self._rows.any_dropped else None
        num_new = num_dropped = num_excluded = 0
        for row, score in zip(rows, scores, strict=True):
            if dropped is not None and dropped[row]:
                num_dropped += 1
                continue
            if row in excluded or row in blocked:
                num_excluded += 1
                continue
            if row >= num_own:
                if self._rows.origin(row) in excluded:
                    num_excluded += 1
                    continue
                num_new += 1
            elif known[row] != PASSES and not passes(row):
                # A widened search meets the same row again; it is one leak.
                if row not in leaked:
                    leaked.add(row)
                    self._leaks.count(row, self._rows.payload(row).id, self._rows.release.id)
                continue
            kept.append(row)
            kept_scores.append(score)
            if len(kept) == depth:
                break
        return Kept(kept, kept_scores, num_new, num_dropped, num_excluded)
