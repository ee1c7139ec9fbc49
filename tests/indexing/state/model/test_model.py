"""The rules keep every promise in all that is searched; without any one of them a promise is broken."""

import pytest

from tests.indexing.state.model.old_journal import OldWorld, old_steps
from tests.indexing.state.model.rules import Promise, Rules
from tests.indexing.state.model.scenarios import HOLES, SETTINGS, searched, without
from tests.indexing.state.model.search import search
from tests.indexing.state.model.world import Setting


@pytest.mark.parametrize("name", SETTINGS)
def test_the_rules_keep_every_promise(name: str) -> None:
    found = searched(SETTINGS[name], Rules())
    assert found.way == ()
    assert found.broken is None
    assert found.states > 1_000


@pytest.mark.parametrize("rule", HOLES)
def test_without_a_rule_a_promise_is_broken(rule: str) -> None:
    hole = HOLES[rule]
    found = searched(SETTINGS[hole.setting], without(rule), (hole.promise,))
    assert found.broken is hole.promise
    # A way that leads there begins with nothing acknowledged, and somebody then hears that something is.
    if hole.promise is not Promise.STOPPED:
        assert any("is acknowledged" in step for step in found.way)


def test_numbers_from_a_sequence_are_committed_out_of_order() -> None:
    found = searched(Setting(kinds=(0, 0)), without("number_under_lock"), (Promise.GAP,))
    assert found.way == ("change 0 takes the number 1", "change 1 takes the number 2", "change 1 is committed as 2")


def test_every_rule_can_be_left_out() -> None:
    assert tuple(HOLES) == Rules._fields


@pytest.mark.parametrize("rule", ["look_when_ready", "same_lease", "answers_count"])
def test_what_is_looked_at_when_an_answer_is_ready_keeps_the_second_promise_alone(rule: str) -> None:
    for name in ("two releases in one worker", "a database that crashes"):
        assert searched(SETTINGS[name], without(rule), (Promise.SHOWN,)).broken is None


def test_only_an_asynchronous_standby_needs_the_wait_on_a_new_timeline() -> None:
    assert searched(SETTINGS["a synchronous standby"], without("wait_on_new_timeline")).broken is None


def test_a_new_kind_waits_on_a_new_timeline_too() -> None:
    """The lease of a worker that cannot read it may be among what was lost."""
    setting = SETTINGS["workers of two versions and an asynchronous standby"]
    assert searched(setting, without("wait_on_new_timeline"), (Promise.STOPPED,)).broken is Promise.STOPPED


@pytest.mark.parametrize("outside", ["suspended", "forgotten", "edited"])
def test_what_lies_outside_breaks_a_promise_under_every_rule(outside: str) -> None:
    assert searched(Setting(outside=outside), Rules(), (Promise.SHOWN,)).broken is Promise.SHOWN


def test_an_asynchronous_standby_loses_what_was_acknowledged() -> None:
    found = searched(SETTINGS["an asynchronous standby"], Rules(), (Promise.VANISHED,))
    assert found.way == (
        "change 0 is committed as 1",
        "change 0 is acknowledged",
        "a standby without the last commits is promoted",
    )


def test_the_journal_in_a_collection_showed_what_was_acknowledged_as_taken_down() -> None:
    """A refused write stays on the copy that lives, is read there, and makes way for another one of its number."""
    found = search(OldWorld(), old_steps)
    assert found.broken is Promise.SHOWN
    assert found.way == (
        "the node of copy 0 is killed",
        "change 0 is refused",
        "the reader reads, and answers",
        "the cluster gives up copy 1, which lives",
        "the node is back",
        "change 1 is acknowledged",
        "the reader reads, and answers",
    )
