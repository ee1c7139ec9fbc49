"""Takedown and lift: a set of ids kept by the journal, not an edit of any row."""

from collections.abc import Sequence

from indexing.state.contract import Log
from indexing.state.records import Lifted, TakenDown


async def take_down(log: Log, ids: Sequence[str], by: str = "", why: str = "") -> int:
    """Hide these ids on every release from now on; one that no release has is hidden as soon as it comes.

    Gives the number of the change.
    """
    return await log.append([TakenDown(item_id, by, why) for item_id in dict.fromkeys(ids)])


async def lift(log: Log, ids: Sequence[str], by: str = "", why: str = "") -> tuple[str, ...]:
    """Undo the takedown of these ids; gives those that were not taken down, for which nothing is done."""
    hidden = await taken_down(log)
    lifted = [item_id for item_id in dict.fromkeys(ids) if item_id in hidden]
    if lifted:
        await log.append([Lifted(item_id, by, why) for item_id in lifted])
    return tuple(item_id for item_id in dict.fromkeys(ids) if item_id not in hidden)


async def taken_down(log: Log) -> set[str]:
    """All ids that are taken down now."""
    hidden: set[str] = set()
    for frame in await log.reader().fresh():
        for change in frame.changes:
            if isinstance(change, TakenDown):
                hidden.add(change.id)
            elif isinstance(change, Lifted):
                hidden.discard(change.id)
    return hidden
