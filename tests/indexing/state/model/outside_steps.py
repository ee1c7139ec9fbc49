"""What lies outside the argument, so that a test can show that it does."""

from collections.abc import Iterator

from tests.indexing.state.model.search import Step
from tests.indexing.state.model.world import NEVER, Setting, World


def outside_steps(world: World, setting: Setting) -> Iterator[Step[World]]:
    """What the setting lets happen."""
    row, acknowledger, database = world.database.rows[0], world.acknowledger, world.database
    if row is None:
        return
    if setting.outside == "suspended":
        # Its machine stands still with its clock: only the others grow older.
        older = acknowledger._replace(watched=tuple(it if it == NEVER else it + 1 for it in acknowledger.watched))
        if max(older.watched) < 4:
            yield "time passes, not for worker 0", world._replace(acknowledger=older), None
    elif setting.outside == "forgotten":
        rows = (None, *database.rows[1:])
        yield "worker 0, which lives, is forgotten", world._replace(database=database._replace(rows=rows)), None
    elif setting.outside == "edited":
        rows = (row._replace(applied=database.head), *database.rows[1:])
        yield "the row of worker 0 is edited", world._replace(database=database._replace(rows=rows)), None
