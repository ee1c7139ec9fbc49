"""Noticing a change, and living through a time in which nothing can be seen."""

import logging
import threading
from contextlib import nullcontext

import pytest

from embedding.errors import DamagedError, NearfieldError
from indexing.errors import NoLiveReleaseError
from service.live_watch import InForce, LiveWatch
from tests.service.serving_processes import eventually


class Pointer:
    """What the watch looks at."""

    def __init__(self, shown: InForce | NearfieldError) -> None:
        self.shown = shown
        self.threads: set[int] = set()
        self.looks = 0

    def look(self) -> InForce:
        self.looks += 1
        self.threads.add(threading.get_ident())
        if isinstance(self.shown, NearfieldError):
            raise self.shown
        return self.shown


def test_a_change_of_release_or_of_rules_is_seen(caplog: pytest.LogCaptureFixture) -> None:
    pointer = Pointer(InForce("r1", "v1"))
    watch = LiveWatch(lambda: nullcontext(pointer.look), 0.01)
    assert watch.latest == InForce("r1", "v1")
    for then in (InForce("r2", "v1"), InForce("r2", "v2")):
        pointer.shown = then
        eventually(lambda: watch.latest == then)  # noqa: B023
    watch.close()
    assert len(pointer.threads) == 1
    assert threading.get_ident() not in pointer.threads
    assert caplog.records == []


def test_while_nothing_can_be_seen_the_last_sight_holds_and_it_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    pointer = Pointer(InForce("r1", "v1"))
    watch = LiveWatch(lambda: nullcontext(pointer.look), 0.01)
    with caplog.at_level(logging.INFO):
        pointer.shown = DamagedError("the pointer is torn")
        pointer.looks = 0
        eventually(lambda: pointer.looks > 5)
        assert watch.latest == InForce("r1", "v1")
        pointer.shown = InForce("r2", "v1")
        eventually(lambda: watch.latest == InForce("r2", "v1"))
        watch.close()
    # Other tests' encoders may still be loading beside this one.
    assert [record.getMessage() for record in caplog.records if record.name == "nearfield.service"] == [
        "Cannot see which release and rules are in force: the pointer is torn",
        "What is in force can be seen again",
    ]


def test_the_first_look_must_succeed() -> None:
    with pytest.raises(NoLiveReleaseError, match="nothing was activated"):
        LiveWatch(lambda: nullcontext(Pointer(NoLiveReleaseError("nothing was activated")).look), 0.01)
