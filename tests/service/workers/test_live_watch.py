"""Noticing a change, and living through a time in which nothing can be seen."""

import logging
import threading
from contextlib import nullcontext

import pytest

from embedding.errors import DamagedError, NearfieldError
from indexing.errors import NoLiveReleaseError
from service.workers.live_watch import LiveWatch, Seen, Told
from tests.service.workers.serving_processes import eventually


class Pointer:
    """What the watch looks at."""

    def __init__(self, shown: str | NearfieldError) -> None:
        self.shown = shown
        self.threads: set[int] = set()
        self.looks = 0
        self.told: list[Told] = []

    def look(self, told: Told) -> Seen:
        self.told.append(told)
        self.looks += 1
        self.threads.add(threading.get_ident())
        if isinstance(self.shown, NearfieldError):
            raise self.shown
        return Seen(self.shown, self.shown)


def test_a_change_of_release_is_seen(caplog: pytest.LogCaptureFixture) -> None:
    pointer = Pointer("r1")
    watch = LiveWatch(lambda: nullcontext(pointer.look), 0.01)
    assert watch.latest.live == "r1"
    for then in ("r2", "r3"):
        pointer.shown = then
        eventually(lambda: watch.latest.live == then)  # noqa: B023
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
        assert watch.latest.live == "r1"
        pointer.shown = "r2"
        eventually(lambda: watch.latest.live == "r2")
        watch.close()
    # Other tests' encoders may still be loading beside this one.
    assert [record.getMessage() for record in caplog.records if record.name == "nearfield.service"] == [
        "Cannot see which release is live: the pointer is torn",
        "Which release is live can be seen again",
    ]


def test_the_first_look_must_succeed() -> None:
    with pytest.raises(NoLiveReleaseError, match="nothing was activated"):
        LiveWatch(lambda: nullcontext(Pointer(NoLiveReleaseError("nothing was activated")).look), 0.01)


def test_what_is_to_be_told_is_told_once_also_when_a_look_fails_and_at_the_end() -> None:
    pointer = Pointer("r1")
    watch = LiveWatch(lambda: nullcontext(pointer.look), 0.01)
    pointer.shown = DamagedError("away")
    watch.gone("a")
    eventually(lambda: any(told.gone == ("a",) for told in pointer.told))
    pointer.shown = "r1"
    watch.loaded("r2")
    eventually(lambda: pointer.told[-1] == Told((), "r2"))
    pointer.told.clear()
    watch.gone("b")
    watch.close()
    assert [told.gone for told in pointer.told if told.gone] == [("b",)]
