"""What becomes of a lease in the database, and of what was seen of it."""

from tests.indexing.state.model.rules import Rules
from tests.indexing.state.model.world import NEVER, Row, World


def with_row(world: World, rules: Rules, index: int, row: Row | None) -> World:
    """The world with worker `index`'s row written, or deleted."""
    rows = world.database.rows
    begins_or_ends = row is None or rows[index] is None
    world = world._replace(database=world.database._replace(rows=(*rows[:index], row, *rows[index + 1 :])))
    acknowledger = world.acknowledger
    same_counter = begins_or_ends and not rules.counters_never_repeat
    if acknowledger.on_old or same_counter or not rules.clock_before_look:
        return world
    # Its counter is another one: to whoever watched it, it is a lease not seen yet.
    watched = (*acknowledger.watched[:index], NEVER, *acknowledger.watched[index + 1 :])
    return world._replace(acknowledger=acknowledger._replace(watched=watched))
