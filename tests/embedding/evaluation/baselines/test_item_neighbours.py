"""Item neighbours: planted tastes, and cosines by their definition."""

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from embedding.evaluation.baselines.item_neighbours import ItemNeighbours
from embedding.protocols import Vectors
from tests.embedding.evaluation.baselines.contract import BaselineContract, Planted, planted_tastes
from tests.embedding.evaluation.tasks import task_of

NEIGHBOURS = 20


class TestItemNeighbours(BaselineContract):
    name = "item-knn"

    def planted(self) -> Planted:
        return planted_tastes()


def no_texts() -> Vectors:
    raise AssertionError("item neighbours read no texts")


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 8), st.integers(1, 40), st.integers(0, 1_000))
def test_item_neighbours_are_the_nearest_by_cosine(num_users: int, num_items: int, seed: int) -> None:
    liked = (np.random.default_rng(seed).random((num_users, num_items)) < 0.4).astype(float)
    liked[0, 0] = 1
    task = task_of(liked, list(product(range(num_users), range(num_items))))
    lengths = np.maximum(np.linalg.norm(liked, axis=0), 1)
    cosines = (liked / lengths).T @ (liked / lengths)
    # Those that are equal to the least of the twenty are neighbours too.
    for row in cosines:
        row[row < np.sort(row)[::-1][:NEIGHBOURS].min() - 1e-6] = 0
    expected = np.vstack([liked @ cosines, np.zeros(num_items)])[task.users]

    scores = ItemNeighbours(NEIGHBOURS).fit(task, no_texts).scores(0, len(task.users))

    np.testing.assert_allclose(scores, expected, atol=1e-4)
