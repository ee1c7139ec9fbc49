"""All that can differ between two moments: a database with its standby, workers, whoever acknowledges, and clocks.

Time passes in ticks, for everybody at once; nobody knows what time it is, only how many ticks ago something was.
Whoever takes no step while ticks pass is paused, cut off or slow, and so is a message that does not arrive: no fault
of this kind needs a step of its own.
"""

from typing import NamedTuple

LEASE = 2
"""How many ticks a worker may answer after it sent a renewal: `lease_s`."""
WAIT = LEASE + 1
"""After how many ticks without a renewal others call a lease run out: `lease_s` and a tenth."""
NEVER = -1


class Row(NamedTuple):
    """A lease in the database. Its counter of renewals is held by whoever watches it: seen since then, or not."""

    applied: int
    """The number up to which the worker said that it applied the log of this timeline."""
    reads: int
    """The newest kind of record that the worker can read."""


class Database(NamedTuple):
    timeline: int
    log: tuple[tuple[int, int], ...]
    """Numbers and changes in the order of commit."""
    cut: int
    """Records up to this number lie in the snapshot alone."""
    rows: tuple[Row | None, ...]
    settled: bool
    """Somebody has watched this timeline for long enough."""

    @property
    def head(self) -> int:
        """The newest number."""
        return max((number for number, _ in self.log), default=0)

    def number_of(self, change: int) -> int | None:
        """Under which number a change was committed here."""
        return next((number for number, it in self.log if it == change), None)


class Renewal(NamedTuple):
    """A statement on its way: sent, committed, and free to come back once the standby has it where that is asked."""

    age: int
    applied: int
    committed_on: int
    """The timeline on which it was committed; `NEVER` before."""
    returns: bool


class Request(NamedTuple):
    """An answer in the making."""

    missing: int
    """What had been acknowledged when the request came and is not in the answer, a bit for each change."""
    view: int
    applied: int


class Worker(NamedTuple):
    timeline: int
    applied: tuple[int, ...]
    """The number up to which each release was brought."""
    views: tuple[int, ...]
    """Which changes each release shows, a bit for each."""
    at_end: tuple[bool, ...]
    """Which releases were read to the end under the lease."""
    lease_age: int
    """Ticks since the renewal that counts was sent; `LEASE` and it has run out."""
    renewal: Renewal | None
    request: Request | None
    reads: int
    on_old: bool
    """Whether it is still connected to the primary of before a failover."""

    @property
    def may_answer(self) -> bool:
        """Whether it holds a lease and has read to the end."""
        return self.lease_age < LEASE and all(self.at_end)


class Acknowledger(NamedTuple):
    """Whoever waits for workers. One is enough here: two would share nothing but the database."""

    watched: tuple[int, ...]
    """For how many ticks each lease was seen as it is now; `NEVER` until it is seen."""
    timeline_watched: int
    on_old: bool
    may_run_ahead: bool
    """Whether its clock may still run a tick ahead of the others: once."""


class World(NamedTuple):
    database: Database
    old: Database | None
    """The primary of before a failover: it can be read, and commits nothing more."""
    standby: Database | None
    """What a synchronous standby has; none where there is none, or it was promoted."""
    workers: tuple[Worker, ...]
    acknowledger: Acknowledger
    begun: tuple[int, ...]
    """The number that each change has taken in a transaction that is not committed yet; 0 for none."""
    acknowledged: int
    lost: int
    """Changes that a failover lost, as an asynchronous standby may."""

    @property
    def decided(self) -> bool:
        """Whether nobody waits for an acknowledgement any more."""
        return self.acknowledged | self.lost == (1 << len(self.begun)) - 1

    def database_of(self, on_old: bool) -> Database:
        """What somebody is connected to."""
        return self.old if on_old and self.old is not None else self.database


class Setting(NamedTuple):
    """What is there, and what may happen to it."""

    workers: int = 1
    releases: int = 1
    kinds: tuple[int, ...] = (0,)
    """The kind of each change that will come; every version reads kind 0."""
    after_failover: int = 0
    """Changes that come after a failover only, a bit for each."""
    reads: int = 1
    """The newest kind that workers can read before they are upgraded."""
    cuts: bool = False
    kills: bool = False
    drifts: bool = True
    """The acknowledger's clock may run a tick ahead of the others, once."""
    crashes: bool = False
    standby: str = ""
    """`synchronous`, `asynchronous`, or none."""
    outside: str = ""
    """What happens that no rule answers for: `suspended`, `forgotten` or `edited`."""


def fresh_worker(setting: Setting, reads: int) -> Worker:
    """A process that has just begun."""
    nothing = (NEVER,) * setting.releases
    return Worker(NEVER, nothing, (0,) * setting.releases, (False,) * setting.releases, LEASE, None, None, reads, False)


def first_world(setting: Setting) -> World:
    """An empty log, and workers that have loaded it and hold no lease yet."""
    rows: tuple[Row | None, ...] = (None,) * setting.workers
    database = Database(0, (), 0, rows, settled=True)
    return World(
        database=database,
        old=None,
        standby=database if setting.standby == "synchronous" else None,
        workers=(fresh_worker(setting, setting.reads)._replace(timeline=0, applied=(0,) * setting.releases),)
        * setting.workers,
        acknowledger=Acknowledger((NEVER,) * setting.workers, WAIT, on_old=False, may_run_ahead=setting.drifts),
        begun=(0,) * len(setting.kinds),
        acknowledged=0,
        lost=0,
    )
