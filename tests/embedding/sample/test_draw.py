from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from embedding.sample.draw import Draws, Weighted


def test_draws_are_the_same_for_a_seed() -> None:
    draws = Draws(7)
    assert [draws.between(0, 9) for _ in range(8)] == [3, 1, 6, 0, 5, 3, 0, 5]


@settings(deadline=None)
@given(st.lists(st.integers(), unique=True), st.integers(0, 100))
def test_shuffling_keeps_all(values: list[int], seed: int) -> None:
    draws = Draws(seed)
    assert sorted(draws.shuffled(values)) == sorted(values)
    some = draws.some(values, 3)
    assert len(some) == len(set(some)) == min(3, len(values))


def test_weights_are_kept_to() -> None:
    draws, weighted = Draws(1), Weighted([1.0, 0.0, 3.0])
    counts = Counter(weighted.draw(draws) for _ in range(4000))
    assert counts[1] == 0
    assert 2850 < counts[2] < 3150
