from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from embedding.sample.seeded_choices import SeededChoices, WeightedChoice


def test_draws_are_the_same_for_a_seed() -> None:
    choices = SeededChoices(7)
    assert [choices.between(0, 9) for _ in range(8)] == [3, 1, 6, 0, 5, 3, 0, 5]


@settings(deadline=None)
@given(st.lists(st.integers(), unique=True), st.integers(0, 100))
def test_shuffling_keeps_all(values: list[int], seed: int) -> None:
    choices = SeededChoices(seed)
    assert sorted(choices.shuffled(values)) == sorted(values)
    some = choices.some(values, 3)
    assert len(some) == len(set(some)) == min(3, len(values))


def test_weights_are_kept_to() -> None:
    choices, weighted = SeededChoices(1), WeightedChoice([1.0, 0.0, 3.0])
    counts = Counter(weighted.draw(choices) for _ in range(4000))
    assert counts[1] == 0
    assert 2850 < counts[2] < 3150
