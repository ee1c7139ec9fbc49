"""Measures of one list beside others' words for them, and intervals that hold as often as they say."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedding.evaluation.metrics import ndcg_at_k, recall_at_k, reciprocal_rank_at_k
from service.evaluation.measures import interval_of, measures_of

IDS = [f"item-{number}" for number in range(15)]


@given(st.lists(st.sampled_from(IDS), unique=True), st.sets(st.sampled_from(IDS), min_size=1, max_size=10))
def test_with_one_grade_they_are_those_of_evaluate(ids: list[str], wanted: set[str]) -> None:
    hits = np.array([[*(id in wanted for id in ids), *[False] * 15][:15]])
    num_wanted = np.array([len(wanted)])
    expected = (
        recall_at_k(hits, num_wanted, 10)[0],
        reciprocal_rank_at_k(hits, 10)[0],
        ndcg_at_k(hits, num_wanted, 10)[0],
    )
    assert measures_of(ids, dict.fromkeys(wanted, 1.0)) == pytest.approx(expected)


def test_grades_weigh_and_more_than_ten_wanted_ids_can_all_be_found() -> None:
    grades = {"a": 3.0, "b": 1.0}
    recall, first, gain = measures_of(["x", "b", "a"], grades)
    assert (recall, first) == (1.0, 0.5)
    worth = 1 / math.log2(3) + 3 / math.log2(4)
    assert gain == pytest.approx(worth / (3 / math.log2(2) + 1 / math.log2(3)))
    assert measures_of(["a", "b"], grades)[2] == pytest.approx(1)
    assert measures_of([], grades) == (0, 0, 0)
    assert measures_of(IDS, dict.fromkeys(IDS, 2.0)) == pytest.approx((1, 1, 1))


def test_an_interval_holds_the_mean_that_is_drawn_from_as_often_as_it_says() -> None:
    draw = np.random.default_rng(1)
    held = 0
    for _ in range(100):
        told = interval_of(draw.binomial(1, 0.4, 80).astype(np.float64))
        assert told.low <= told.mean <= told.high
        held += told.low <= 0.4 <= told.high
    assert 88 <= held <= 100
    assert interval_of(np.array([0.5])) == interval_of(np.array([0.5, 0.5]))
