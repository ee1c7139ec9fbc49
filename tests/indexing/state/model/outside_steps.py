"""What lies outside the argument, so that a test can show that it does."""

from collections.abc import Iterator

from tests.indexing.state.model.change_steps import later
from tests.indexing.state.model.search import Step
from tests.indexing.state.model.world import Setting, World


def outside_steps(world: World, setting: Setting) -> Iterator[Step[World]]:
    """What the setting lets happen."""
    database = world.database
    row = database.rows[0]
    if row is None:
        return
    if setting.outside == "suspended":
        # Its machine stands still with its clock: only the others grow older.
        yield "time passes, not for worker 0", world._replace(acknowledger=later(world.acknowledger)), None
    elif setting.outside == "forgotten":
        rows = (None, *database.rows[1:])
        yield "worker 0, which lives, is forgotten", world._replace(database=database._replace(rows=rows)), None
    elif setting.outside == "edited":
        rows = (row._replace(applied=database.head), *database.rows[1:])
        yield "the row of worker 0 is edited", world._replace(database=database._replace(rows=rows)), None
