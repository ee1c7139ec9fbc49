"""What a difference would do to answers: vectors that move, neighbours that change, markets that fall short."""

import time
from collections import Counter

import numpy as np
from msgspec import Struct

from embedding.progress import Reporter
from embedding.rows.schema import Item
from indexing.journal.current_rows import CurrentRows
from indexing.journal.replay import current_rows
from indexing.payload.availability import ANY_MARKET, AvailabilityClasses
from indexing.releases.workspace import Workspace
from indexing.state.records import Frame, Put, Removed
from indexing.sync.diff import Difference

# More rows than these are sampled no more: encoding them would be the work of the sync itself.
_MOST_ENCODED = 2_000
_NUM_MOVED = 10
_NUM_SAMPLED, _K = 200, 10
# A market is named as falling short when it would have less than this part of its items of now.
_SHORT = 0.9


class Moved(Struct, frozen=True):
    """A row whose vector would move, and the cosine between before and after."""

    id: str
    cosine: float


class Market(Struct, frozen=True):
    """Items open in a market now, before and after; `short` when it would lose more than a tenth."""

    market: str
    before: int
    after: int
    short: bool


class Effects(Struct, frozen=True):
    """`moved`: nearest to opposite first; `kept_neighbours`: part of the nearest ten of sampled items that stay.

    Both None where so many rows change that only a sync could tell.
    """

    moved: tuple[Moved, ...] | None
    kept_neighbours: float | None
    markets: tuple[Market, ...]


async def effects_of(difference: Difference, live: CurrentRows, workspace: Workspace, reporter: Reporter) -> Effects:
    """The effects of `difference` on what is live; nothing is written."""
    diff = difference.diff
    markets = _markets(difference, live)
    if diff.added + diff.changed + diff.payload_changed > _MOST_ENCODED:
        return Effects(None, None, markets)
    items = [item for batch in difference.to_put() for item in batch]
    puts = _encoded(items, live, workspace, reporter)
    # The journal may have gone on meanwhile; the difference is applied on top of all of it.
    after = await current_rows(live.release, workspace.state)
    after.apply(Frame(after.seq + 1, "", (*puts, *map(Removed, difference.removed))))
    return Effects(_moved(puts, live, after), _kept_neighbours(live, after), markets)


def _encoded(items: list[Item], live: CurrentRows, workspace: Workspace, reporter: Reporter) -> list[Put]:
    with (
        workspace.unkept_texts_of(live.release) as texts,
        reporter.stage("encode changed rows", len(items)) as advance,
    ):
        return workspace.record_encoder.puts(items, live, texts, passages=False, advance=advance)


def _moved(puts: list[Put], live: CurrentRows, after: CurrentRows) -> tuple[Moved, ...]:
    space = live.release.space
    found = []
    for put in puts:
        row = live.row_of(put.item.id)
        if row >= 0:
            now = after.row_of(put.item.id)
            cosine = float(live.vectors(space, [row])[0] @ after.vectors(space, [now])[0])
            if cosine < 1.0 - 1e-6:
                found.append(Moved(put.item.id, round(cosine, 4)))
    return tuple(sorted(found, key=lambda moved: (moved.cosine, moved.id))[:_NUM_MOVED])


def _kept_neighbours(live: CurrentRows, after: CurrentRows) -> float | None:
    both = [row for row in live.rows() if after.row_of(live.id_of(row)) >= 0]
    if not both:
        return None
    sampled = np.unique(np.linspace(0, len(both) - 1, num=_NUM_SAMPLED).astype(np.int64))
    ids = [live.id_of(both[place]) for place in sampled]
    kept = [len(one & other) / max(1, len(one)) for one, other in zip(_near(live, ids), _near(after, ids), strict=True)]
    return round(float(np.mean(kept)), 4)


def _near(rows: CurrentRows, ids: list[str]) -> list[set[str]]:
    """The ids of the nearest ten of each, the item itself left out."""
    space = rows.release.space
    numbers = np.fromiter(rows.rows(), np.int64)
    vectors = rows.vectors(space, numbers)
    found = []
    for item_id in ids:
        own = rows.row_of(item_id)
        scores = vectors @ rows.vectors(space, [own])[0]
        scores[numbers == own] = -np.inf
        best = np.argpartition(-scores, min(_K, len(scores)) - 1)[:_K]
        found.append({rows.id_of(int(numbers[place])) for place in best})
    return found


def _markets(difference: Difference, live: CurrentRows) -> tuple[Market, ...]:
    now_s = int(time.time())
    before: Counter[int] = Counter(live.payload(row).availability_class for row in live.rows())
    after = before.copy()
    for item_id in difference.removed:
        after[live.payload(live.row_of(item_id)).availability_class] -= 1
    classes = AvailabilityClasses.load(live.release.classes.dump())
    for batch in difference.to_put():
        for item in batch:
            row = live.row_of(item.id)
            if row >= 0:
                after[live.payload(row).availability_class] -= 1
            after[classes.add(item.availability)] += 1
    found = []
    for market in sorted(classes.markets() - {ANY_MARKET}):
        opened = classes.open_at(market, now_s).classes
        counts = [sum(counted[cls] for cls in opened) for counted in (before, after)]
        found.append(Market(market, counts[0], counts[1], short=counts[1] < _SHORT * counts[0]))
    return tuple(found)
