"""What every baseline does: a suite to subclass with a small task of which it is known what ranks first."""

from typing import ClassVar

import numpy as np
import pytest
from msgspec import Struct

from embedding.data.task import Task
from embedding.evaluation.baselines.baseline import Baseline
from embedding.evaluation.baselines.registry import BASELINES
from embedding.evaluation.scorer import Scorer, Scores
from embedding.protocols import Vectors
from embedding.registry import Registry
from tests.embedding.evaluation.tasks import Matrix, task_of


class Planted(Struct, frozen=True):
    """A task and its answer.

    `weights` (U, N): of training pairs; `held_out`: (user, item), one of each user who is asked for, users ascending;
    `best`: the item that ranks first for each of these, of those that the user did not train with; `texts` (N, E).
    """

    weights: Matrix
    held_out: list[tuple[int, int]]
    best: list[int]
    texts: Vectors | None = None


def planted_tastes() -> Planted:
    """Two groups of items, each liked whole by users of its own but for one item: that one ranks first."""
    weights: Matrix = np.tile(np.repeat(np.repeat(np.eye(2), 6, axis=0), 5, axis=1), (8, 1))
    held_out = [(user, 5 * (user % 12 // 6) + user % 5) for user in range(0, len(weights), 3)]
    weights[tuple(np.transpose(held_out))] = 0
    return Planted(weights, held_out, [item for _, item in held_out])


class BaselineContract:
    """Subclass it in the tests of a baseline, as `Test…`, with its name and a task of which the answer is known."""

    registry: ClassVar[Registry[Baseline]] = BASELINES
    name: ClassVar[str]
    # The optional library without which it is not tested.
    library: ClassVar[str | None] = None

    def planted(self) -> Planted:
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def _library(self) -> None:
        if self.library is not None:
            pytest.importorskip(self.library)

    def fit(self, task: Task, texts: Vectors | None) -> Scorer:
        """The baseline fitted to `task`; it calls for texts once where it says that it reads them, else never."""
        baseline = self.registry[self.name]
        calls: list[None] = []

        def read_texts() -> Vectors:
            calls.append(None)
            assert texts is not None, "no baseline without `reads_texts` calls for texts"
            return texts

        scorer = baseline.fit(task, read_texts)
        assert len(calls) == baseline.reads_texts
        return scorer

    def scores(self, weights: Matrix, held_out: list[tuple[int, int]], texts: Vectors | None) -> Scores:
        """Scores of all users of a task."""
        task = task_of(weights, held_out)
        return self.fit(task, texts).scores(0, len(task.users))

    def test_what_was_planted_ranks_first(self) -> None:
        planted = self.planted()
        users = [user for user, _ in planted.held_out]
        scores = self.scores(planted.weights, planted.held_out, planted.texts)[: len(users)]
        scores[planted.weights[users] != 0] = -np.inf
        assert scores.argmax(axis=1).tolist() == planted.best

    def test_scores_are_a_fresh_array_of_one_row_a_user(self) -> None:
        planted = self.planted()
        task = task_of(planted.weights, planted.held_out)
        num_users, num_items = len(task.users), len(task.candidates)
        scorer = self.fit(task, planted.texts)
        whole = scorer.scores(0, num_users)
        assert whole.shape == (num_users, num_items)
        assert whole.dtype == np.float32
        kept = whole.copy()
        # Whoever ranks writes over what users trained with.
        whole[:] = -np.inf
        for first, last in ((0, num_users), (1, num_users), (0, 1), (1, 1)):
            part = scorer.scores(first, last)
            assert part.shape == (last - first, num_items)
            # Products of other sizes add in another order.
            np.testing.assert_allclose(part, kept[first:last], rtol=1e-5, atol=1e-6)

    def test_the_same_task_gives_the_same_scores(self) -> None:
        planted = self.planted()
        first, second = (self.scores(planted.weights, planted.held_out, planted.texts) for _ in range(2))
        np.testing.assert_array_equal(first, second)

    def test_the_order_of_the_catalogue_decides_nothing(self) -> None:
        planted = self.planted()
        catalogue = np.random.default_rng(1).permutation(planted.weights.shape[1])
        task = task_of(planted.weights, planted.held_out, catalogue)
        others = self.fit(task, planted.texts).scores(0, len(task.users))
        np.testing.assert_array_equal(others, self.scores(planted.weights, planted.held_out, planted.texts))

    def test_users_of_one_item_or_none_are_scored(self) -> None:
        planted = self.planted()
        num_users, num_items = planted.weights.shape
        few = np.zeros((2, num_items))
        few[0, 0], few[1, 0] = 1, -1
        held_out = [*planted.held_out, (num_users, 1), (num_users + 1, 1)]
        scores = self.scores(np.vstack((planted.weights, few)), held_out, planted.texts)
        # Those of one item, of one skip, and of nothing at all, whom `task_of` adds.
        assert len(scores) == len(planted.held_out) + 3
        assert np.isfinite(scores).all()

    def test_a_skip_is_no_like(self) -> None:
        planted = self.planted()
        draw = np.random.default_rng(0)
        held = np.zeros(planted.weights.shape, np.bool_)
        held[tuple(np.transpose(planted.held_out))] = True
        skipped = (planted.weights == 0) & ~held & (draw.random(planted.weights.shape) < 0.3)
        assert skipped.any()
        without = self.scores(planted.weights, planted.held_out, planted.texts)
        beside = self.scores(np.where(skipped, -1.0, planted.weights), planted.held_out, planted.texts)
        np.testing.assert_array_equal(beside, without)
