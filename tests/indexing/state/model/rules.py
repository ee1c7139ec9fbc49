"""The rules of leases, each a switch, and what they promise; docs/decisions/2026-11-29-leases.md argues for both."""

from enum import StrEnum
from typing import NamedTuple


class Promise(StrEnum):
    """What must never be seen."""

    SHOWN = "a request that came after a change was acknowledged is answered from before it"
    GIVEN = "an answer given after a change was acknowledged was made from before it"
    VANISHED = "an acknowledged change is gone"
    GAP = "a number is not the one after that of the commit before"
    STOPPED = "a worker that answers meets a record that it cannot read"


class Rules(NamedTuple):
    """Which rules hold; without one of them, a search finds a promise broken."""

    number_under_lock: bool = True
    """A record's number is taken under a lock that is held to the commit; else from a sequence."""
    gap_means_snapshot: bool = True
    """Where the next record is not one's number + 1, one starts from the snapshot; else one reads what is there."""
    kinds_asked: bool = True
    """A kind of record that a worker with a lease cannot read is not written."""
    leases_under_lock: bool = True
    """A lease is written under the lock of the log, so that none comes between that question and the commit."""
    lease_before_reading: bool = True
    """Only what was read under a lease counts as read to the end; else what was read before it does too."""
    read_again_after_lapse: bool = True
    """A worker whose lease ran out reads to the end again before it answers."""
    look_when_asked: bool = True
    """A worker looks at its lease when a request comes."""
    look_when_ready: bool = True
    """It looks again when the answer is ready."""
    same_lease: bool = True
    """The lease it finds then must be the one under which the request came, never run out between."""
    answers_count: bool = True
    """What a worker says it applied is no newer than what an answer in the making was read from."""
    counted_from_sending: bool = True
    """A lease is counted from before its renewal was sent; else from when the commit came back."""
    counted_once_committed: bool = True
    """A renewal counts once its commit came back; else as soon as it is sent."""
    no_wall_clock: bool = True
    """Time is counted on clocks that are never set; else one may be set forward by an hour."""
    a_tenth_more: bool = True
    """An acknowledger waits longer than a lease lasts, as clocks do not run quite alike."""
    clock_before_look: bool = True
    """The clock is read before the look that finds a lease unrenewed; else an older look may be counted on."""
    counters_never_repeat: bool = True
    """A lease that is taken anew has a counter that no lease had before; else it begins again at one."""
    snapshot_on_new_timeline: bool = True
    """On a timeline that is new to it a worker starts from the snapshot; else it goes on by number."""
    positions_name_timeline: bool = True
    """What a worker says it applied counts on the timeline of which it was said; else numbers alone are compared."""
    wait_on_new_timeline: bool = True
    """On a new timeline nothing is acknowledged until somebody watched it for longer than a lease lasts."""
    leases_survive: bool = True
    """Leases lie in a logged table and are committed to the disk; else a crash of the database loses them."""
    changes_survive: bool = True
    """Changes are committed to the disk before they are acknowledged; else a crash loses the last one."""
    every_worker: bool = True
    """A change is acknowledged when every worker that may still answer has applied it; else when it is committed."""
    every_release: bool = True
    """A worker has applied what it has applied in every release that it holds; else in any."""
