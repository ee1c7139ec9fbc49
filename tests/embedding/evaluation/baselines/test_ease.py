"""EASE: planted tastes, its definition both ways round, and data that is too large for it."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedding.errors import UsageError
from embedding.evaluation.baselines import ease
from embedding.evaluation.baselines.ease import Ease
from embedding.protocols import Vectors
from tests.embedding.evaluation.baselines.contract import BaselineContract, Planted, planted_tastes
from tests.embedding.evaluation.tasks import Matrix, task_of


class TestEase(BaselineContract):
    name = "ease"

    def planted(self) -> Planted:
        return planted_tastes()


def no_texts() -> Vectors:
    raise AssertionError("EASE reads no texts")


def ease_by_definition(liked: Matrix) -> Matrix:
    inverse = np.linalg.inv(liked.T @ liked + 50 * np.eye(liked.shape[1]))
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return np.asarray(liked @ weights)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 1_000))
def test_ease_is_its_definition_whichever_matrix_is_inverted(num_users: int, num_items: int, seed: int) -> None:
    liked = (np.random.default_rng(seed).random((num_users, num_items)) < 0.5).astype(float)
    liked[0, 0] = 1
    task = task_of(liked, list(product(range(num_users), range(num_items))))
    expected = np.vstack([ease_by_definition(liked), np.zeros(num_items)])[task.users]

    np.testing.assert_allclose(Ease().fit(task, no_texts).scores(0, len(task.users)), expected, atol=1e-5)


def test_ease_says_when_the_data_is_too_large_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ease, "_MAX_SIDE", 3)

    with pytest.raises(UsageError, match=r"3 at most; there are 5 users and 4 items.*--baselines"):
        Ease().fit(task_of(np.ones((4, 4))), no_texts)
