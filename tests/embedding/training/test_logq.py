"""The sign of the logQ correction on a skewed planted world: only with it is the truth found."""

from benchmarks.logq.planted import learn, make_world


def test_with_logq_the_truth_is_found_and_without_or_reversed_it_is_not() -> None:
    world = make_world()

    full, corrected, plain, reversed_ = (learn(world, sign) for sign in (None, 1.0, 0.0, -1.0))

    # As near to the planted probabilities as the softmax over the whole catalogue, which samples nothing.
    assert corrected.recall > 0.9
    assert corrected.divergence < 1.2 * full.divergence
    # Without it the towers learn how much more a taste hears an item than others do, popularity taken out.
    assert plain.recall < 0.75 * corrected.recall
    assert plain.popularity < corrected.popularity / 2
    # Reversed, popularity is taken out twice: worse than none.
    assert reversed_.recall < plain.recall / 2
    assert reversed_.divergence > 2 * plain.divergence
