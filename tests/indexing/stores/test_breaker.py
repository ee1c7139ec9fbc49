"""The breaker, step by step: sequences of calls worked out by hand, on a clock that stands until it is set."""

import pytest

from indexing.stores.breaker import Admits, Breaker


class Clock:
    """Seconds as the test says."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def made() -> tuple[Breaker, Clock]:
    clock = Clock()
    return Breaker(clock, failures=3, pause_s=0.25), clock


def test_an_address_that_answers_is_asked() -> None:
    breaker, _ = made()
    for _ in range(5):
        assert breaker.admits() is Admits.ALL
        assert breaker.answered() is None
    assert breaker.is_closed


def test_slow_calls_among_others_that_are_answered_do_not_open_it() -> None:
    breaker, clock = made()
    for _ in range(10):
        assert breaker.failed(at_once=False)
        assert not breaker.failed(at_once=False)
        assert breaker.admits() is Admits.ALL
        clock.now_s += 2
        # Failed since the first of the two.
        assert breaker.answered() == 2.0


def test_three_in_a_row_open_it_and_one_try_is_admitted_after_the_pause() -> None:
    breaker, clock = made()
    assert [breaker.failed(at_once=False) for _ in range(3)] == [True, False, False]
    assert not breaker.is_closed
    assert breaker.admits() is Admits.NOTHING
    clock.now_s = 100.24
    assert breaker.admits() is Admits.NOTHING
    clock.now_s = 100.25
    assert breaker.admits() is Admits.ONE_TRY
    # However long the try takes, no second one is made.
    clock.now_s = 105.0
    assert [breaker.admits() for _ in range(3)] == [Admits.NOTHING] * 3
    assert breaker.answered() == 5.0
    assert breaker.admits() is Admits.ALL


def test_a_try_that_fails_opens_it_for_another_pause() -> None:
    breaker, clock = made()
    assert breaker.failed(at_once=True)
    clock.now_s = 100.3
    assert breaker.admits() is Admits.ONE_TRY
    clock.now_s = 101.3
    assert not breaker.failed(at_once=False)
    assert breaker.admits() is Admits.NOTHING
    clock.now_s = 101.5
    assert breaker.admits() is Admits.NOTHING
    clock.now_s = 101.55
    assert breaker.admits() is Admits.ONE_TRY
    assert breaker.answered() == pytest.approx(1.55)
    assert breaker.is_closed


def test_where_nothing_listens_it_opens_at_once() -> None:
    breaker, _ = made()
    assert breaker.failed(at_once=True)
    assert breaker.admits() is Admits.NOTHING
    # Calls that were under way come back late, and tell nothing new.
    assert not breaker.failed(at_once=False)


def test_a_late_answer_closes_it() -> None:
    breaker, clock = made()
    breaker.failed(at_once=True)
    clock.now_s = 100.1
    assert breaker.answered() == pytest.approx(0.1)
    assert breaker.admits() is Admits.ALL
    # And what failed before is forgotten: it takes three again.
    breaker.failed(at_once=False)
    breaker.failed(at_once=False)
    assert breaker.admits() is Admits.ALL
