"""Bias and paired tests against figures worked by hand, and against every way that chance can fall."""

from itertools import product

import numpy as np
import pytest

from embedding.data.split import SplitPairs
from embedding.data.task import Task
from embedding.evaluation.bias import bias_of, gini
from embedding.evaluation.ranking import Ranked
from embedding.evaluation.significance import p_values
from tests.embedding.evaluation.tasks import item_ids, pairs_of


def ranked(top: list[list[int]]) -> Ranked:
    hits = np.zeros((len(top), len(top[0])), np.bool_)
    return Ranked(hits, np.ones(len(top), np.int64), np.zeros(len(top), np.int64), np.array(top, np.int32))


def test_bias_of_lists_worked_by_hand() -> None:
    liked, test = np.zeros((4, 4)), np.zeros((4, 4))
    # Item 0 has three training pairs, item 1 one, items 2 and 3 none.
    liked[[0, 1, 2], 0] = liked[3, 1] = 1
    test[0, 2] = test[1, 3] = 1
    task = Task.of(SplitPairs(pairs_of(liked), pairs_of(test)), item_ids(4))

    found = bias_of(ranked([[1, 2], [1, -1]]), ranked([[1, 2], [0, 1]]), task)

    assert found.coverage == 2 / 4
    # Of four candidates two are shown, twice and once: (2 (3 * 1 + 4 * 2) / (4 * 3)) - 5 / 4.
    assert found.gini == pytest.approx(22 / 12 - 5 / 4)
    # Item 1 is above two and level with itself: 2.5 of 4; item 2 is level with two: 1 of 4.
    assert found.popularity == pytest.approx((2.5 / 4 * 2 + 1 / 4) / 3)
    assert found.popularity_overlap == pytest.approx((1 + 1) / 2)
    assert found.cold == pytest.approx(1 / 3)


def test_gini_is_nothing_where_all_have_the_same_and_near_one_where_one_has_all() -> None:
    assert gini(np.full(10, 3)) == pytest.approx(0)
    assert gini(np.array([0] * 99 + [7])) == pytest.approx(0.99)


def test_a_p_value_is_the_share_of_all_exchanges_that_go_as_far() -> None:
    draw = np.random.default_rng(1)
    own = draw.random(8) + 0.2
    other = draw.random(8)
    differences = own - other
    all_sums = [abs(np.dot(signs, differences)) for signs in product((-1, 1), repeat=8)]
    exact = float(np.mean(np.array(all_sums) >= abs(differences.sum()) - 1e-12))

    assert p_values({"recall@20": own}, {"recall@20": other})["recall@20"] == pytest.approx(exact, abs=0.02)


def test_equal_values_are_never_told_apart_and_all_higher_ones_always() -> None:
    values = np.random.default_rng(2).random(50)

    assert p_values({"m": values}, {"m": values}) == {"m": 1.0}
    assert p_values({"m": values + 1}, {"m": values})["m"] == pytest.approx(1 / 10_001)
