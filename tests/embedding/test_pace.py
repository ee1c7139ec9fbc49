"""The pace of a stage, on a clock of our own."""

import pytest

from embedding.pace import Pace


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("embedding.pace.time", clock)
    return clock


def work(pace: Pace, clock: Clock, *parts: tuple[float, int]) -> None:
    for took_s, steps in parts:
        clock.now_s += took_s
        pace.add(steps)


def test_at_an_even_pace_what_is_left_takes_as_long_as_what_was_done(clock: Clock) -> None:
    pace = Pace()
    work(pace, clock, *[(0.5, 10)] * 8)

    assert pace.step_s() == pytest.approx(0.05)
    assert pace.left_s(100) == pytest.approx(5.0)


def test_steps_that_cost_nothing_do_not_hide_how_long_the_others_take(clock: Clock) -> None:
    pace = Pace()
    work(pace, clock, (0.1, 3_000), (1.0, 32), (1.0, 32))

    assert pace.left_s(320) == pytest.approx(10.0)


def test_nothing_is_known_at_first_nor_where_nothing_has_moved_for_most_of_the_time(clock: Clock) -> None:
    pace = Pace()
    assert pace.left_s(5) is None
    work(pace, clock, (0.2, 3_000))
    assert pace.left_s(5) is None
    clock.now_s += 60
    assert pace.left_s(5) is None


def test_what_is_left_is_nothing_only_where_no_step_is_left(clock: Clock) -> None:
    pace = Pace()
    work(pace, clock, (2.0, 1_000_000))

    assert pace.left_s(1) == 0.1
    assert pace.left_s(0) == 0.0


def test_an_older_pace_is_forgotten(clock: Clock) -> None:
    pace = Pace()
    work(pace, clock, *[(1.0, 100)] * 60, *[(1.0, 10)] * 31)

    assert pace.left_s(100) == pytest.approx(10.0)


def test_many_small_parts_count_as_a_few(clock: Clock) -> None:
    pace = Pace()
    work(pace, clock, *[(0.001, 1)] * 5_000)

    assert len(pace._parts) < 30
    assert pace.left_s(1_000) == pytest.approx(1.0, rel=0.05)
