"""What a worker may do next: renew its lease, read the log, take a request, give an answer, die."""

from collections.abc import Iterator

from tests.indexing.state.model.lease_rows import with_row
from tests.indexing.state.model.rules import Promise, Rules
from tests.indexing.state.model.search import Step
from tests.indexing.state.model.world import (
    LEASE,
    NEVER,
    Database,
    Renewal,
    Request,
    Row,
    Setting,
    Worker,
    World,
    fresh_worker,
)


def worker_steps(world: World, setting: Setting, rules: Rules, index: int) -> Iterator[Step[World]]:
    """All that worker `index` may do."""
    worker = world.workers[index]
    yield from _renewal(world, rules, index)
    for release in range(setting.releases):
        yield from _reading(world, setting, rules, index, release)
    yield from _asking(world, setting, rules, index)
    if worker.on_old:
        # What the old primary has not answered is gone with the connection; what was not sent is sent again.
        renewal = worker.renewal and renamed(worker.renewal, rules)
        if renewal is not None and renewal.committed_on != NEVER:
            renewal = None
        yield (
            f"worker {index} connects to the new primary",
            _with(world, index, worker._replace(on_old=False, renewal=renewal)),
            None,
        )
    if setting.kills:
        for reads in {worker.reads, 1}:
            # Its supervisor gives up the lease at once.
            dead = with_row(_with(world, index, fresh_worker(setting, reads)), rules, index, None)
            yield f"worker {index} is killed, and begins again", dead, None


def _with(world: World, index: int, worker: Worker) -> World:
    return world._replace(workers=(*world.workers[:index], worker, *world.workers[index + 1 :]))


def _renewal(world: World, rules: Rules, index: int) -> Iterator[Step[World]]:
    worker = world.workers[index]
    renewal = worker.renewal
    if renewal is None:
        sent = worker._replace(renewal=Renewal(0, _said(world, worker, rules), NEVER, returns=False))
        if not rules.counted_once_committed:
            sent = sent._replace(lease_age=0)
        yield f"worker {index} sends a renewal", _with(world, index, sent), None
    elif renewal.returns:
        yield f"worker {index} hears that it was committed", _with(world, index, _renewed(worker, renewal, rules)), None
    elif renewal.committed_on == NEVER and not worker.on_old and not (rules.leases_under_lock and any(world.begun)):
        returns = world.standby is None
        committed = worker._replace(renewal=renewal._replace(committed_on=world.database.timeline, returns=returns))
        row = Row(renewal.applied, worker.reads)
        yield (
            f"the renewal of worker {index} is committed",
            with_row(_with(world, index, committed), rules, index, row),
            None,
        )


def _said(world: World, worker: Worker, rules: Rules) -> int:
    """What it says that it has applied, of the log of the timeline that it speaks to."""
    if rules.positions_name_timeline and worker.timeline != world.database_of(worker.on_old).timeline:
        return NEVER
    applied = min(worker.applied) if rules.every_release else max(worker.applied)
    return min(applied, worker.request.applied) if rules.answers_count and worker.request is not None else applied


def renamed(renewal: Renewal, rules: Rules) -> Renewal:
    """A renewal that was sent to one timeline, as another one reads it."""
    return renewal._replace(applied=NEVER) if rules.positions_name_timeline else renewal


def _renewed(worker: Worker, renewal: Renewal, rules: Rules) -> Worker:
    if rules.snapshot_on_new_timeline and worker.timeline not in (NEVER, renewal.committed_on):
        worker = _moved(worker, rules)
    return worker._replace(renewal=None, lease_age=renewal.age if rules.counted_from_sending else 0)


def _moved(worker: Worker, rules: Rules) -> Worker:
    """On a timeline that is new to it: no release counts as read, and no lease as the one from before."""
    nothing = (NEVER,) * len(worker.applied)
    worker = ended(worker._replace(applied=nothing, at_end=(False,) * len(worker.at_end)), rules)
    return worker._replace(request=worker.request and worker.request._replace(applied=NEVER))


def ended(worker: Worker, rules: Rules) -> Worker:
    """Its lease is over: an answer in the making that will be refused for that is refused now."""
    return worker._replace(request=None) if rules.look_when_ready and rules.same_lease else worker


def _reading(world: World, setting: Setting, rules: Rules, index: int, release: int) -> Iterator[Step[World]]:
    worker, database = world.workers[index], world.database_of(world.workers[index].on_old)
    if worker.timeline not in (NEVER, database.timeline) and rules.snapshot_on_new_timeline:
        worker = _moved(worker, rules)
    records = _following(database, worker.applied[release], rules)
    applied, view = worker.applied[release], worker.views[release]
    if records is None:
        # The snapshot holds every change that was committed.
        records, applied, view = database.log, database.head, 0
    for number, change in records:
        if setting.kinds[change] > worker.reads:
            if world.workers[index].may_answer:
                yield f"worker {index} meets change {change}, which it cannot read", world, Promise.STOPPED
            return
        applied, view = max(applied, number), view | 1 << change
    counts = worker.lease_age < LEASE or not rules.lease_before_reading
    read = worker._replace(
        timeline=database.timeline,
        applied=(*worker.applied[:release], applied, *worker.applied[release + 1 :]),
        views=(*worker.views[:release], view, *worker.views[release + 1 :]),
        at_end=(*worker.at_end[:release], counts, *worker.at_end[release + 1 :]),
    )
    yield f"worker {index} brings release {release} to the end of the log", _with(world, index, read), None


def _following(database: Database, applied: int, rules: Rules) -> tuple[tuple[int, int], ...] | None:
    """The records after `applied`; none where one has to start from the snapshot."""
    if applied == NEVER:
        return None
    records = tuple(sorted(record for record in database.log if record[0] > max(applied, database.cut)))
    # No record is not the end yet: the newest may have been cut off.
    expected = tuple(range(applied + 1, database.head + 1))
    if rules.gap_means_snapshot and tuple(number for number, _ in records) != expected:
        return None
    return records


def _asking(world: World, setting: Setting, rules: Rules, index: int) -> Iterator[Step[World]]:
    worker = world.workers[index]
    request = worker.request
    if request is None:
        if worker.may_answer or not rules.look_when_asked:
            for release in range(setting.releases):
                if worker.applied[release] != NEVER:
                    view = worker.views[release]
                    asked = Request(world.acknowledged & ~view, view, worker.applied[release])
                    yield (
                        f"worker {index} is asked, and reads release {release}",
                        _with(world, index, worker._replace(request=asked)),
                        None,
                    )
        return
    done = _with(world, index, worker._replace(request=None))
    if rules.look_when_ready and not worker.may_answer:
        yield f"worker {index} answers 503", done, None
        return
    what = f"worker {index} gives its answer"
    yield what, done, None
    if request.missing & ~world.lost:
        yield what, done, Promise.SHOWN
    if world.acknowledged & ~world.lost & ~request.view:
        yield what, done, Promise.GIVEN
