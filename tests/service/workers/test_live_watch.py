"""Noticing a change, and living through a time in which nothing can be seen."""

import logging
import threading
from contextlib import nullcontext

import pytest

from embedding.errors import DamagedError, NearfieldError
from indexing.errors import NoLiveReleaseError
from service.workers.live_watch import LiveWatch
from tests.service.workers.serving_processes import eventually


class Pointer:
    """What the watch looks at."""

    def __init__(self, shown: str | NearfieldError) -> None:
        self.shown = shown
        self.threads: set[int] = set()
        self.looks = 0

    def look(self) -> str:
        self.looks += 1
        self.threads.add(threading.get_ident())
        if isinstance(self.shown, NearfieldError):
            raise self.shown
        return self.shown


def test_a_change_of_release_is_seen(caplog: pytest.LogCaptureFixture) -> None:
    pointer = Pointer("r1")
    watch = LiveWatch(lambda: nullcontext(pointer.look), 0.01)
    assert watch.latest == "r1"
    for then in ("r2", "r3"):
        pointer.shown = then
        eventually(lambda: watch.latest == then)  # noqa: B023
    watch.close()
    assert len(pointer.threads) == 1
    assert threading.get_ident() not in pointer.threads
    assert caplog.records == []


def test_while_nothing_can_be_seen_the_last_sight_holds_and_it_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    pointer = Pointer("r1")
    watch = LiveWatch(lambda: nullcontext(pointer.look), 0.01)
    with caplog.at_level(logging.INFO):
        pointer.shown = DamagedError("the pointer is torn")
        pointer.looks = 0
        eventually(lambda: pointer.looks > 5)
        assert watch.latest == "r1"
        pointer.shown = "r2"
        eventually(lambda: watch.latest == "r2")
        watch.close()
    # Other tests' encoders may still be loading beside this one.
    assert [record.getMessage() for record in caplog.records if record.name == "nearfield.service"] == [
        "Cannot see which release is live: the pointer is torn",
        "Which release is live can be seen again",
    ]


def test_the_first_look_must_succeed() -> None:
    with pytest.raises(NoLiveReleaseError, match="nothing was activated"):
        LiveWatch(lambda: nullcontext(Pointer(NoLiveReleaseError("nothing was activated")).look), 0.01)
