"""All that may happen next in a world: what its parts do, the time that passes, and what befalls the database."""

from collections.abc import Iterator

from tests.indexing.state.model.change_steps import change_steps, later, watching_steps
from tests.indexing.state.model.outside_steps import outside_steps
from tests.indexing.state.model.rules import Promise, Rules
from tests.indexing.state.model.search import Step
from tests.indexing.state.model.worker_steps import ended, renamed, worker_steps
from tests.indexing.state.model.world import LEASE, NEVER, Database, Row, Setting, Worker, World


def steps(world: World, setting: Setting, rules: Rules) -> Iterator[Step[World]]:
    """Each step, the world after it, and the promise that it breaks; a step of two outcomes comes twice."""
    for index in range(setting.workers):
        yield from worker_steps(world, setting, rules, index)
    yield from change_steps(world, setting, rules)
    if not world.decided:
        yield from watching_steps(world, rules)
    yield "time passes", _tick(world, rules), None
    database = world.database
    if setting.cuts and database.cut < database.head:
        yield "the log is cut", world._replace(database=database._replace(cut=database.head)), None
    yield from outside_steps(world, setting)
    if setting.crashes:
        yield from _crash(world, rules)
    if setting.standby and not database.timeline:
        if world.standby is None:
            yield from _asynchronous_failover(world, rules)
        else:
            yield "the standby has it all", _replicated(world), None
            yield _synchronous_failover(world, world.standby, rules)


def _tick(world: World, rules: Rules) -> World:
    workers = tuple(_older(worker, rules) for worker in world.workers)
    return world._replace(workers=workers, acknowledger=later(world.acknowledger))


def _older(worker: Worker, rules: Rules) -> Worker:
    renewal = worker.renewal
    if renewal is not None:
        renewal = renewal._replace(age=min(LEASE, renewal.age + 1))
    lease_age = min(LEASE, worker.lease_age + 1)
    ran_out = lease_age == LEASE and rules.read_again_after_lapse
    at_end = (False,) * len(worker.at_end) if ran_out else worker.at_end
    older = worker._replace(renewal=renewal, lease_age=lease_age, at_end=at_end)
    return ended(older, rules) if lease_age == LEASE else older


def _crash(world: World, rules: Rules) -> Iterator[Step[World]]:
    """The database dies and comes back on its own disk: the same timeline, without what was never flushed."""
    database = world.database
    log, rows, watched = database.log, database.rows, world.acknowledger.watched
    if not rules.leases_survive:
        rows, watched = (None,) * len(rows), (NEVER,) * len(rows)
    if not rules.changes_survive:
        log = log[:-1]
    vanished = world.acknowledged & _changes(database.log) & ~_changes(log)
    yield (
        "the database crashes, and comes back",
        world._replace(
            database=database._replace(log=log, rows=rows),
            begun=(0,) * len(world.begun),
            acknowledger=world.acknowledger._replace(watched=watched),
        ),
        Promise.VANISHED if vanished else None,
    )


def _replicated(world: World) -> World:
    workers = tuple(
        worker
        if worker.renewal is None or worker.renewal.committed_on == NEVER
        else worker._replace(renewal=worker.renewal._replace(returns=True))
        for worker in world.workers
    )
    return world._replace(standby=world.database, workers=workers)


def _synchronous_failover(world: World, standby: Database, rules: Rules) -> Step[World]:
    """The standby is promoted as it is; the old primary lives, and can be read, but commits nothing any more."""
    lost = _changes(world.database.log) & ~_changes(standby.log)
    rows = _renamed_rows(standby.rows, rules)
    return (
        "the standby is promoted",
        world._replace(
            database=standby._replace(timeline=1, rows=rows, settled=False),
            old=world.database,
            standby=None,
            begun=(0,) * len(world.begun),
            lost=world.lost | lost,
            workers=tuple(worker._replace(on_old=True) for worker in world.workers),
            acknowledger=world.acknowledger._replace(on_old=True),
        ),
        Promise.VANISHED if lost & world.acknowledged else None,
    )


def _asynchronous_failover(world: World, rules: Rules) -> Iterator[Step[World]]:
    """A standby without the last commits is promoted, and the old primary is dead.

    Of leases it has all or none: one that is missing hides a worker, while one from before only makes others wait.
    """
    log, rows = world.database.log, world.database.rows
    nothing = (NEVER,) * len(rows)
    for length in range(len(log) + 1):
        for kept in {_renamed_rows(rows, rules), (None,) * len(rows)}:
            promoted = world.database._replace(timeline=1, log=log[:length], rows=kept, settled=False)
            lost = _changes(log[length:])
            yield (
                "a standby without the last commits is promoted",
                world._replace(
                    database=promoted,
                    begun=(0,) * len(world.begun),
                    lost=world.lost | lost,
                    workers=tuple(
                        worker._replace(renewal=worker.renewal and renamed(worker.renewal, rules))
                        for worker in world.workers
                    ),
                    acknowledger=world.acknowledger._replace(watched=nothing, timeline_watched=NEVER),
                ),
                Promise.VANISHED if lost & world.acknowledged else None,
            )


def _renamed_rows(rows: tuple[Row | None, ...], rules: Rules) -> tuple[Row | None, ...]:
    """What workers said of one timeline, as another one reads it."""
    return tuple(row and (row._replace(applied=NEVER) if rules.positions_name_timeline else row) for row in rows)


def _changes(log: tuple[tuple[int, int], ...]) -> int:
    """The changes of a log, a bit for each."""
    changes = 0
    for _, change in log:
        changes |= 1 << change
    return changes
