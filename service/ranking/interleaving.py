"""Interleaving of rankings by kind quotas, spread evenly; where one runs dry the others fill."""

from collections.abc import Sequence

from msgspec import Struct

from embedding.rows.schema import Kind
from indexing.journal.current_rows import CurrentRows
from service.loaded.kind_quotas import kind_of
from service.ranking.contract import Candidates, Ranking
from service.schemas.answers import Space

FILLED = "filled"
"""The source of a row that stands where the quotas wanted another kind, of which there were no more."""


class RankedQuota(Struct, frozen=True):
    """One part of a mix: `quota` (1 or more) rows of `ranking`, all of one `kind`, in every so many rows as all quotas
    come to."""

    quota: int
    ranking: Ranking
    kind: Kind | None = None


class Interleaved:
    """Rankings that share no row, in turns. Where `tells_filled`, what fills for another part says so as its source."""

    def __init__(self, current: CurrentRows, quotas: Sequence[RankedQuota], *, tells_filled: bool) -> None:
        self._current, self._quotas, self._tells_filled = current, quotas, tells_filled
        self._order = interleaving_order([ranked.quota for ranked in quotas])

    def of_kind(self, kind: Kind) -> Ranking | None:
        """The part of a kind; None where it has none."""
        return next((ranked.ranking for ranked in self._quotas if ranked.kind == kind), None)

    def spaces_of(self, rows: Sequence[int]) -> Sequence[Space | None]:
        """As Ranking: that of its kind's part."""
        parts = [self.of_kind(kind_of(self._current, row)) for row in rows]
        return [None if part is None else part.spaces_of((row,))[0] for row, part in zip(rows, parts, strict=True)]

    async def first(self, depth: int) -> Candidates:
        """The first `depth` rows (Ranking.first). Raises StoreError when the engine fails."""
        while True:
            found = await self._asked(depth)
            # The journal may have moved on between two parts.
            if self._current.shows(found.rows):
                return found

    async def _asked(self, depth: int) -> Candidates:
        due = [self._order[place % len(self._order)] for place in range(depth)]
        parts = [await ranked.ranking.first(max(1, due.count(part))) for part, ranked in enumerate(self._quotas)]
        if any(part.exhausted for part in parts):
            # What fills may be all that there is of the other kinds.
            parts = [await ranked.ranking.first(depth) for ranked in self._quotas]
        return self._joined(due, parts)

    def _joined(self, due: Sequence[int], parts: Sequence[Candidates]) -> Candidates:
        rows: list[int] = []
        scores: list[float] = []
        sources: dict[int, str] = {}
        taken = [0] * len(parts)
        # Of the parts that fill, the one of the largest quota comes first.
        filling = sorted(range(len(parts)), key=lambda part: -self._quotas[part].quota)
        for wanted in due:
            part = next((one for one in (wanted, *filling) if taken[one] < len(parts[one].rows)), None)
            if part is None:
                break
            row = parts[part].rows[taken[part]]
            rows.append(row)
            scores.append(parts[part].scores[taken[part]])
            taken[part] += 1
            if row in parts[part].sources:
                sources[row] = parts[part].sources[row]
            elif part != wanted and self._tells_filled:
                sources[row] = FILLED
        if len(rows) == len(due):
            return Candidates(rows, scores, False, sources=sources)
        num_excluded = sum(part.num_excluded for part in parts)
        return Candidates(rows, scores, True, num_excluded, sources, cut=any(part.cut for part in parts))


def interleaving_order(quotas: Sequence[int]) -> list[int]:
    """Whose turn it is, place by place, in one round of as many places as the quotas come to: always that part's which
    is furthest behind its quota, the earlier one's of two."""
    total = sum(quotas)
    taken = [0] * len(quotas)
    order = []
    for place in range(1, total + 1):
        part = max(range(len(quotas)), key=lambda one: quotas[one] * place - taken[one] * total)
        taken[part] += 1
        order.append(part)
    return order
