"""Metrics against numbers worked by hand."""

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from embedding.evaluation.metrics import average_precision_at_k, ndcg_at_k, recall_at_k, reciprocal_rank_at_k
from embedding.evaluation.ranking import top_k

# One user with three relevant items, hit at ranks 1 and 4; one with a single relevant item, never hit.
HITS = np.array([[True, False, False, True, False], [False] * 5])
RELEVANT = np.array([3, 1])


def test_recall_divides_by_all_relevant_items() -> None:
    assert recall_at_k(HITS, RELEVANT, 3).tolist() == pytest.approx([1 / 3, 0.0])
    assert recall_at_k(HITS, RELEVANT, 5).tolist() == pytest.approx([2 / 3, 0.0])


def test_ndcg_discounts_by_log2_and_divides_by_an_ideal_list_no_longer_than_k() -> None:
    gain = 1 / math.log2(2) + 1 / math.log2(5)
    ideal_of_three = 1 + 1 / math.log2(3) + 1 / math.log2(4)

    assert ndcg_at_k(HITS, RELEVANT, 5).tolist() == pytest.approx([gain / ideal_of_three, 0.0])
    assert ndcg_at_k(HITS, RELEVANT, 2).tolist() == pytest.approx([1 / (1 + 1 / math.log2(3)), 0.0])


def test_a_list_shorter_than_k_gains_what_it_has() -> None:
    assert ndcg_at_k(HITS, RELEVANT, 20)[0] == pytest.approx(ndcg_at_k(HITS, RELEVANT, 5)[0])


def test_a_perfect_list_has_ndcg_one() -> None:
    hits = np.array([[True, True, False]])

    assert ndcg_at_k(hits, np.array([2]), 3).tolist() == pytest.approx([1.0])
    assert ndcg_at_k(hits, np.array([9]), 2).tolist() == pytest.approx([1.0])


@pytest.mark.parametrize("k", [1, 3, 7])
def test_top_k_is_what_sorting_all_gives(k: int) -> None:
    scores = np.random.default_rng(0).standard_normal((5, 7)).astype(np.float32)

    assert (top_k(scores, np.zeros(scores.shape, np.bool_), k) == np.argsort(-scores, axis=1)[:, :k]).all()


@given(
    arrays(np.float32, st.tuples(st.integers(1, 4), st.integers(1, 12)), elements=st.sampled_from([0.0, 1.0, 2.0])),
    st.integers(1, 12),
    st.randoms(use_true_random=False),
)
def test_of_equal_scores_held_out_places_come_last_then_later_ones(
    scores: NDArray[np.float32], k: int, random: Random
) -> None:
    held_out = np.array([[random.random() < 0.4 for _ in row] for row in scores])
    k = min(k, scores.shape[1])

    found = top_k(scores, held_out, k)

    for row in range(len(scores)):
        order = sorted(range(scores.shape[1]), key=lambda place: (-scores[row, place], held_out[row, place], place))
        assert found[row].tolist() == order[:k]


def test_reciprocal_rank_is_that_of_the_first_hit() -> None:
    later = np.array([[False, False, True, True]])

    assert reciprocal_rank_at_k(HITS, 5).tolist() == pytest.approx([1.0, 0.0])
    assert reciprocal_rank_at_k(later, 4).tolist() == pytest.approx([1 / 3])
    assert reciprocal_rank_at_k(later, 2).tolist() == [0.0]


def test_average_precision_divides_by_what_could_be_found() -> None:
    # Precision 1 at rank 1, 2 of 4 at rank 4; three items are relevant, of which two fit into a list of two.
    assert average_precision_at_k(HITS, RELEVANT, 5).tolist() == pytest.approx([(1 + 2 / 4) / 3, 0.0])
    assert average_precision_at_k(HITS, RELEVANT, 2).tolist() == pytest.approx([1 / 2, 0.0])
