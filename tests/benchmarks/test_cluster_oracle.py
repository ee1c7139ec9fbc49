"""What judges a cluster under faults sees what is lost and what is shown, and nothing else."""

import time

import pytest

from benchmarks.cluster.acknowledged import Acknowledged, Kind, LoggedTakedown


def acknowledged(*changes: tuple[Kind, str, int]) -> Acknowledged:
    oracle = Acknowledged()
    for kind, item_id, number in changes:
        oracle.sent(kind, item_id)
        oracle.acknowledge(kind, item_id, number)
    return oracle


def test_what_was_taken_down_when_an_answer_was_asked_for_is_wrongly_shown() -> None:
    oracle = acknowledged(("takedown", "a", 1))
    asked_at, taken_down = time.monotonic(), oracle.taken_down
    assert oracle.wrongly_shown(["b", "a"], taken_down, asked_at) == ["a"]
    oracle.sent("lift", "a")
    # Sent while the answer was made: it may be shown.
    assert oracle.wrongly_shown(["b", "a"], taken_down, asked_at) == []
    assert oracle.taken_down == frozenset()


def test_a_lift_of_before_excuses_nothing() -> None:
    oracle = acknowledged(("takedown", "a", 1), ("lift", "a", 2), ("takedown", "a", 3))
    assert oracle.wrongly_shown(["a"], oracle.taken_down, time.monotonic()) == ["a"]


def test_a_takedown_that_nobody_acknowledged_may_hold_or_not() -> None:
    oracle = Acknowledged()
    oracle.sent("takedown", "a")
    assert oracle.taken_down == frozenset()
    assert oracle.unsure == {"a"}
    for records in ([], [LoggedTakedown("a", "takedown", 1)]):
        assert oracle.lost(records) == []


@pytest.mark.parametrize(
    ("records", "num_lost"),
    [
        ([LoggedTakedown("a", "takedown", 3), LoggedTakedown("b", "lift", 4)], 0),
        # What a lift left behind may be gone from the log.
        ([LoggedTakedown("a", "takedown", 3)], 0),
        ([LoggedTakedown("b", "lift", 4)], 1),
        ([LoggedTakedown("a", "lift", 2), LoggedTakedown("b", "lift", 4)], 1),
        ([LoggedTakedown("a", "takedown", 1), LoggedTakedown("b", "lift", 4)], 1),
        ([LoggedTakedown("a", "takedown", 3), LoggedTakedown("b", "takedown", 1)], 1),
    ],
)
def test_what_the_log_does_not_have_is_lost(records: list[LoggedTakedown], num_lost: int) -> None:
    oracle = acknowledged(("takedown", "b", 1), ("lift", "a", 2), ("takedown", "a", 3), ("lift", "b", 4))
    assert len(oracle.lost(records)) == num_lost
