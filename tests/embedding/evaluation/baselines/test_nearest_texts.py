"""Nearest texts: vectors of two dims, worked by hand."""

import numpy as np

from embedding.evaluation.baselines.nearest_texts import NearestTexts
from tests.embedding.evaluation.baselines.contract import BaselineContract, Planted
from tests.embedding.evaluation.tasks import task_of

TEXTS = np.array([[1, 0], [0.6, 0.8], [0, 1], [0.8, 0.6]], np.float32)


class TestNearestTexts(BaselineContract):
    name = "text"

    def planted(self) -> Planted:
        # By user: liked the first item; both in the middle; the second and the last.
        weights = np.array([[1.0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 0, 1]])
        return Planted(weights, [(0, 2), (1, 0), (2, 2)], [3, 3, 0], TEXTS)


def test_scores_are_sums_of_cosines_to_what_was_liked() -> None:
    liked = np.array([[1.0, 1.0, 0.0, 0.0]])

    scores = NearestTexts().fit(task_of(liked, [(0, 2)]), lambda: TEXTS).scores(0, 2)

    np.testing.assert_allclose(scores[0], TEXTS @ np.array([1.6, 0.8]), rtol=1e-6)
    assert not scores[1].any()
