"""What becomes of a change: a number, a commit, an acknowledgement; and what whoever acknowledges sees meanwhile."""

from collections.abc import Iterator

from tests.indexing.state.model.lease_rows import with_row
from tests.indexing.state.model.rules import Promise, Rules
from tests.indexing.state.model.search import Step
from tests.indexing.state.model.world import LEASE, NEVER, WAIT, Acknowledger, Setting, World


def change_steps(world: World, setting: Setting, rules: Rules) -> Iterator[Step[World]]:
    """All that may happen to changes that were not acknowledged."""
    for change in range(len(setting.kinds)):
        number = world.begun[change]
        if number:
            yield from _commit(world, change, number)
        elif world.lost >> change & 1 or world.database.number_of(change) is not None:
            if not world.acknowledged >> change & 1 and _everywhere(world, setting, rules, change):
                yield f"change {change} is acknowledged", _acknowledged(world, change), None
        elif world.database.timeline or not setting.after_failover >> change & 1:
            yield from _begin(world, setting, rules, change)


def _begin(world: World, setting: Setting, rules: Rules, change: int) -> Iterator[Step[World]]:
    newest = world.database.head
    if not rules.number_under_lock:
        newest = max(newest, *world.begun)
    elif any(world.begun):
        return
    if rules.kinds_asked and setting.kinds[change] and rules.wait_on_new_timeline and not world.database.settled:
        return  # a lease may be missing here, of a worker that cannot read it
    for row, watched in zip(world.database.rows, world.acknowledger.watched, strict=True):
        may_answer = row is not None and not _run_out(watched, rules)
        if rules.kinds_asked and row is not None and may_answer and row.reads < setting.kinds[change]:
            return
    if rules.number_under_lock and not any(setting.kinds):
        # Nothing that matters comes between.
        yield from _commit(world, change, newest + 1)
        return
    begun = (*world.begun[:change], newest + 1, *world.begun[change + 1 :])
    yield f"change {change} takes the number {newest + 1}", world._replace(begun=begun), None


def _commit(world: World, change: int, number: int) -> Iterator[Step[World]]:
    begun = (*world.begun[:change], 0, *world.begun[change + 1 :])
    log = (*world.database.log, (number, change))
    committed = world._replace(begun=begun, database=world.database._replace(log=log))
    what = f"change {change} is committed as {number}"
    yield what, committed, None
    if number != world.database.head + 1:
        yield what, committed, Promise.GAP


def _run_out(watched: int, rules: Rules) -> bool:
    return watched >= (WAIT if rules.a_tenth_more else LEASE)


def _everywhere(world: World, setting: Setting, rules: Rules, change: int) -> bool:
    """Whether every worker that may still answer has applied it, as far as can be seen from here."""
    acknowledger = world.acknowledger
    database = world.database_of(acknowledger.on_old)
    number = database.number_of(change)
    if number is None or (rules.wait_on_new_timeline and not database.settled):
        return False
    if setting.standby == "synchronous" and (world.standby or world.database).number_of(change) is None:
        return False  # its commit has not come back
    return not rules.every_worker or all(
        row is None or _run_out(watched, rules) or row.applied >= number
        for row, watched in zip(database.rows, acknowledger.watched, strict=True)
    )


def _acknowledged(world: World, change: int) -> World:
    world = world._replace(acknowledged=world.acknowledged | 1 << change)
    if not world.decided:
        return world
    # Nobody watches any more: worlds that differ in what was seen are one.
    nothing = (NEVER,) * len(world.workers)
    return world._replace(acknowledger=Acknowledger(nothing, NEVER, on_old=False, may_run_ahead=False))


def watching_steps(world: World, rules: Rules) -> Iterator[Step[World]]:
    """What the acknowledger may see, and what may befall its clock."""
    acknowledger = world.acknowledger
    database = world.database_of(acknowledger.on_old)
    watched = tuple(
        NEVER if row is None else max(0, ticks) for row, ticks in zip(database.rows, acknowledger.watched, strict=True)
    )
    seen = acknowledger._replace(watched=watched, timeline_watched=max(0, acknowledger.timeline_watched))
    if seen != acknowledger:
        yield "the acknowledger looks at the leases", world._replace(acknowledger=seen), None
    if not acknowledger.on_old:
        for index, row in enumerate(database.rows):
            if row is not None and _run_out(acknowledger.watched[index], rules):
                yield "a lease that has run out is deleted", with_row(world, rules, index, None), None
    if not database.settled and _run_out(acknowledger.timeline_watched, rules):
        settled = world.database._replace(settled=True)
        yield "the new timeline is settled", world._replace(database=settled), None
    if acknowledger.on_old:
        yield "the acknowledger connects to the new primary", world._replace(acknowledger=_anew(acknowledger)), None
    if acknowledger.may_run_ahead:
        ahead = later(acknowledger)._replace(may_run_ahead=False)
        yield "the acknowledger's clock runs ahead", world._replace(acknowledger=ahead), None
    if not rules.no_wall_clock:
        stepped = acknowledger._replace(watched=tuple(NEVER if it == NEVER else WAIT for it in acknowledger.watched))
        yield "the wall clock is set forward", world._replace(acknowledger=stepped), None


def _anew(acknowledger: Acknowledger) -> Acknowledger:
    """What was watched on one timeline says nothing on another: its counters may come again."""
    nothing = (NEVER,) * len(acknowledger.watched)
    return acknowledger._replace(watched=nothing, timeline_watched=NEVER, on_old=False)


def later(acknowledger: Acknowledger) -> Acknowledger:
    """A tick later, on its own clock."""
    return acknowledger._replace(
        watched=tuple(ticks if ticks == NEVER else min(WAIT, ticks + 1) for ticks in acknowledger.watched),
        timeline_watched=acknowledger.timeline_watched
        if acknowledger.timeline_watched == NEVER
        else min(WAIT, acknowledger.timeline_watched + 1),
    )
