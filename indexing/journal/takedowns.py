"""Takedown and lift: a set of ids kept by the journal, not an edit of any row."""

from collections.abc import Sequence

from msgspec import Struct

from indexing.state.contract import Log, StateStore
from indexing.state.records import Change, Frame, Lifted, TakenDown


class Takedown(Struct, frozen=True):
    """An id that is taken down; None for what was not said, or not kept by an earlier Nearfield."""

    id: str
    # RFC 3339.
    at: str
    by: str | None
    why: str | None
    # The release that was live then; the id is hidden on it, on those before it and on all that come.
    since_release: str | None
    # Of the change in the log.
    number: int


def note(hidden: dict[str, Takedown], frame: Frame, change: Change) -> None:
    """What a change of `frame` does to the ids that are taken down; of an id that was before, the last word counts."""
    if isinstance(change, TakenDown):
        hidden[change.id] = Takedown(
            change.id, frame.at, change.by or None, change.why or None, change.release or None, frame.seq
        )
    elif isinstance(change, Lifted):
        hidden.pop(change.id, None)


async def take_down(state: StateStore, ids: Sequence[str], by: str = "", why: str = "", live: str | None = None) -> int:
    """Hide these ids on every release from now on; one that no release has is hidden as soon as it comes.

    `live` is the live release where the caller knows it: then nothing is asked before the change is written, which is
    tried again where a database is away for a moment. Gives the number of the change.
    """
    release = live or await state.live() or ""
    return await state.append([TakenDown(item_id, by, why, release) for item_id in dict.fromkeys(ids)])


async def lift(log: Log, ids: Sequence[str], by: str = "", why: str = "") -> tuple[str, ...]:
    """Undo the takedown of these ids; gives those that were not taken down, for which nothing is done."""
    hidden = await taken_down(log)
    lifted = [item_id for item_id in dict.fromkeys(ids) if item_id in hidden]
    if lifted:
        await log.append([Lifted(item_id, by, why) for item_id in lifted])
    return tuple(item_id for item_id in dict.fromkeys(ids) if item_id not in hidden)


async def taken_down(log: Log) -> set[str]:
    """All ids that are taken down now."""
    return {takedown.id for takedown in await takedowns(log)}


async def takedowns(log: Log) -> Sequence[Takedown]:
    """All that is taken down now, oldest first."""
    hidden: dict[str, Takedown] = {}
    for frame in await log.reader().fresh():
        for change in frame.changes:
            note(hidden, frame, change)
    return sorted(hidden.values(), key=place_of)


def place_of(takedown: Takedown) -> tuple[int, str]:
    """By what takedowns are listed: by their time, and those of one call by their ids."""
    return takedown.number, takedown.id
