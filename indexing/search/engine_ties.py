"""Answers of the engine brought into one order: best first, and of equal scores the lower row.

An engine gives rows of equal scores in an order that differs with the limit, from shard to shard and from segment to
segment, and so it does which of them come before the cut (docs/log.md).
"""

from collections.abc import Awaitable, Callable

import numpy as np

from indexing.columns.scoring import ROUNDING, one_by_one
from indexing.search.column_scan import NearestQuery
from indexing.search.plan import Collection
from indexing.stores.contract import Ranked

# Rows asked for beyond those wanted: mostly the last of them scores clearly less than the last that is wanted.
_BEYOND = 16
# Where it does not, as many are asked for as any limit that is not above would ask for: the same for all of them, so
# that a search that may miss rows finds the same ones for each.
_FIRST_STEP, _STEP, _LAST_STEP = 64, 4, 1_024

Ask = Callable[[int], Awaitable[Ranked]]


async def in_order(ask: Ask, query: NearestQuery, collection: Collection, *, finds_all: bool) -> Ranked | None:
    """The `query.limit` best of what the engine gives, `ask(limit)`, with the scores that the columns give them.

    `finds_all`: the engine misses none. None where more rows than it should be asked for have one score.
    """
    limit = query.limit
    fetch = limit + _BEYOND
    in_steps = False
    while True:
        found = await ask(fetch)
        ranked = _sorted(found, query, collection)
        is_cut = len(found.rows) == fetch
        is_clear = not is_cut or ranked.scores[limit - 1] > found.scores[-1] + ROUNDING
        if is_clear and (finds_all or in_steps or not _has_ties(ranked.scores[: limit + 1])):
            return Ranked(ranked.rows[:limit], ranked.scores[:limit])
        fetch = _next_step(limit) if not in_steps else fetch * _STEP
        if in_steps and fetch > _LAST_STEP:
            return None
        in_steps = True


def _next_step(limit: int) -> int:
    step = _FIRST_STEP
    while step < limit + _BEYOND:
        step *= _STEP
    return step


def _sorted(found: Ranked, query: NearestQuery, collection: Collection) -> Ranked:
    rows = np.array(found.rows, np.int64)
    scores = one_by_one(collection.scan.columns.vectors(query.using)[rows], query.vector)
    order = np.lexsort((rows, -scores))
    return Ranked(rows[order].tolist(), scores[order].tolist())


def _has_ties(scores: list[float]) -> bool:
    return len(set(scores)) < len(scores)
