"""Popularity: counted by hand."""

import numpy as np

from embedding.evaluation.baselines.popularity import PopularityScorer
from tests.embedding.evaluation.baselines.contract import BaselineContract, Planted
from tests.embedding.evaluation.tasks import task_of


class TestPopularity(BaselineContract):
    name = "popularity"

    def planted(self) -> Planted:
        # Likes by item: 1, 3, 2, 0. The third user has trained with the most popular one, the fourth with nothing.
        weights = np.array([[1.0, 1, 0, 0], [0, 1, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0]])
        return Planted(weights, [(2, 0), (3, 0), (4, 0)], [2, 1, 1])


def test_items_with_as_many_pairs_have_equal_scores() -> None:
    liked = np.array([[1.0, 0, 1], [0, 1, 1], [0, 0, 0]])

    first, second, third = PopularityScorer(task_of(liked)).scores(0, 1)[0].tolist()

    assert first == second < third
