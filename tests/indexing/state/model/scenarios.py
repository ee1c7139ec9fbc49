"""What is searched: settings small enough for every state, the rule that each may lack, and what is then broken."""

from functools import partial
from typing import NamedTuple

from tests.indexing.state.model.rules import Promise, Rules
from tests.indexing.state.model.search import Found, search
from tests.indexing.state.model.steps import steps
from tests.indexing.state.model.world import Setting, first_world

# With an asynchronous standby changes vanish, whatever the rules: all else must hold there too.
WITHOUT_LOSS = tuple(promise for promise in Promise if promise is not Promise.VANISHED)

SETTINGS = {
    "two changes, a log that is cut, workers that die": Setting(kinds=(0, 0), cuts=True, kills=True, drifts=False),
    "two releases in one worker": Setting(releases=2),
    "a database that crashes": Setting(crashes=True),
    "workers of two versions": Setting(kinds=(1, 0), reads=0, kills=True, drifts=False),
    "a synchronous standby": Setting(standby="synchronous", drifts=False),
    "an asynchronous standby": Setting(kinds=(0, 0), after_failover=2, standby="asynchronous", drifts=False),
    "workers of two versions and an asynchronous standby": Setting(kinds=(1,), reads=0, standby="asynchronous"),
}
"""Searched whole each time the tests run."""

LARGER_SETTINGS = {
    "two workers": Setting(workers=2),
    "two changes in two releases": Setting(kinds=(0, 0), releases=2, cuts=True, kills=True),
    "two changes and a synchronous standby": Setting(kinds=(0, 0), standby="synchronous"),
    "two versions, two changes and a synchronous standby": Setting(kinds=(1, 0), reads=0, standby="synchronous"),
    "two changes at any time and an asynchronous standby": Setting(kinds=(0, 0), standby="asynchronous"),
}
"""Searched whole by `python -m tests.indexing.state.model.report`: a few minutes."""


class Hole(NamedTuple):
    """What a search finds when one rule is left out."""

    setting: str
    promise: Promise


_LOG, _RELEASES, _CRASH, _VERSIONS, _, _ASYNCHRONOUS, _ = SETTINGS
HOLES = {
    "number_under_lock": Hole(_LOG, Promise.SHOWN),
    "gap_means_snapshot": Hole(_LOG, Promise.SHOWN),
    "kinds_asked": Hole(_VERSIONS, Promise.STOPPED),
    "leases_under_lock": Hole(_VERSIONS, Promise.STOPPED),
    "lease_before_reading": Hole(_LOG, Promise.SHOWN),
    "read_again_after_lapse": Hole(_RELEASES, Promise.SHOWN),
    "look_when_asked": Hole(_LOG, Promise.SHOWN),
    "look_when_ready": Hole(_CRASH, Promise.GIVEN),
    "same_lease": Hole(_CRASH, Promise.GIVEN),
    "answers_count": Hole(_CRASH, Promise.GIVEN),
    "counted_from_sending": Hole(_CRASH, Promise.SHOWN),
    "counted_once_committed": Hole(_CRASH, Promise.SHOWN),
    "no_wall_clock": Hole(_CRASH, Promise.SHOWN),
    "a_tenth_more": Hole(_CRASH, Promise.SHOWN),
    "clock_before_look": Hole(_CRASH, Promise.SHOWN),
    "counters_never_repeat": Hole(_CRASH, Promise.SHOWN),
    "snapshot_on_new_timeline": Hole(_ASYNCHRONOUS, Promise.SHOWN),
    "positions_name_timeline": Hole(_ASYNCHRONOUS, Promise.SHOWN),
    "wait_on_new_timeline": Hole(_ASYNCHRONOUS, Promise.SHOWN),
    "leases_survive": Hole(_CRASH, Promise.SHOWN),
    "changes_survive": Hole(_CRASH, Promise.VANISHED),
    "every_worker": Hole(_CRASH, Promise.SHOWN),
    "every_release": Hole(_RELEASES, Promise.SHOWN),
}
"""For each rule: where its absence shows, and the promise that it breaks there."""


def searched(setting: Setting, rules: Rules, promises: tuple[Promise, ...] | None = None) -> Found:
    """Search `setting` under `rules` for a step that breaks one of `promises`: all that can be kept there."""
    if promises is None:
        promises = WITHOUT_LOSS if setting.standby == "asynchronous" else tuple(Promise)
    return search(first_world(setting), partial(steps, setting=setting, rules=rules), promises)


def without(rule: str) -> Rules:
    """All rules but one."""
    return Rules()._replace(**{rule: False})
