"""Baselines against worked oracles: EASE both ways, item neighbours, factors on planted groups."""

import sys
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from embedding.data.pairs import Pairs
from embedding.data.split import Parts
from embedding.data.task import Task
from embedding.errors import UsageError
from embedding.evaluation import baselines
from embedding.evaluation.baseline_names import NAMES, BaselineName, make_baseline, parse_baselines
from embedding.evaluation.baselines import Ease, ItemNeighbours, NearestTexts, Popularity

Matrix = NDArray[np.float64]
NEIGHBOURS = 20
TASTES: Matrix = np.repeat(np.repeat(np.eye(2), 6, axis=0), 5, axis=1)


def pairs_of(matrix: Matrix) -> Pairs:
    users, items = np.nonzero(matrix)
    zeros = np.zeros(len(users))
    weights = matrix[users, items].astype(np.float32)
    folds = zeros.astype(np.uint8)
    return Pairs(users, items, weights, zeros, zeros.astype(np.uint64), folds, folds)


def task_of(matrix: Matrix, held_out: list[tuple[int, int]] | None = None) -> Task:
    """Every item is liked or held out by somebody; the last user, who liked nothing, asks too."""
    test = np.zeros((len(matrix) + 1, matrix.shape[1]))
    test[-1] = 1
    for user, item in held_out or []:
        test[user, item] = 1
    return Task.of(Parts(pairs_of(matrix), pairs_of(test)), matrix.shape[1])


def no_texts() -> NDArray[np.float32]:
    raise AssertionError("no baseline here reads texts")


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

    np.testing.assert_allclose(Ease(task).scores(0, len(task.users)), expected, atol=1e-5)


def test_ease_says_when_the_data_is_too_large_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "_EASE_MOST", 3)

    with pytest.raises(UsageError, match=r"3 at most; there are 5 users and 4 items.*--baselines"):
        Ease(task_of(np.ones((4, 4))))


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 8), st.integers(1, 40), st.integers(0, 1_000))
def test_item_neighbours_are_the_nearest_by_cosine(num_users: int, num_items: int, seed: int) -> None:
    liked = (np.random.default_rng(seed).random((num_users, num_items)) < 0.4).astype(float)
    liked[0, 0] = 1
    task = task_of(liked, list(product(range(num_users), range(num_items))))
    lengths = np.maximum(np.linalg.norm(liked, axis=0), 1)
    cosines = (liked / lengths).T @ (liked / lengths)
    # Of equals the earlier one; float32 must not break a tie in another way.
    for row in cosines:
        row[np.argsort(-row.round(5), kind="stable")[NEIGHBOURS:]] = 0
    expected = np.vstack([liked @ cosines, np.zeros(num_items)])[task.users]

    np.testing.assert_allclose(ItemNeighbours(task, NEIGHBOURS).scores(0, len(task.users)), expected, atol=1e-4)


def test_popularity_puts_the_earlier_of_equals_first() -> None:
    liked = np.array([[1, 0, 1], [0, 1, 1], [0, 0, 0]])

    order = np.argsort(-Popularity(task_of(liked)).scores(0, 1)[0])

    assert order.tolist() == [2, 0, 1]


def test_texts_rank_by_likeness_to_what_was_liked() -> None:
    liked = np.array([[1.0, 1.0, 0.0, 0.0]])
    texts = np.array([[1, 0], [0.6, 0.8], [0, 1], [0.8, 0.6]], np.float32)

    scores = NearestTexts(task_of(liked, [(0, 2)]), texts).scores(0, 2)

    np.testing.assert_allclose(scores[0], texts @ np.array([1.6, 0.8]), rtol=1e-6)
    assert not scores[1].any()


@pytest.mark.parametrize("name", ["item-knn", "ease", "als", "bpr"])
def test_planted_tastes_are_found(name: BaselineName) -> None:
    if name in ("als", "bpr"):
        pytest.importorskip("implicit")
    liked: Matrix = np.tile(TASTES, (8, 1))
    held_out = [(user, 5 * (user % 12 // 6) + user % 5) for user in range(0, len(liked), 3)]
    liked[tuple(np.transpose(held_out))] = 0
    task = task_of(liked, held_out)

    scores = make_baseline(name, task, no_texts).scores(0, len(held_out))
    scores[liked[task.users[: len(held_out)]] > 0] = -np.inf

    assert scores.argmax(axis=1).tolist() == [item for _, item in held_out]


def test_a_library_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "implicit", None)
    for module in [
        module for module in sys.modules if module.startswith(("implicit.", "embedding.evaluation.baselines_factors"))
    ]:
        monkeypatch.delitem(sys.modules, module)

    with pytest.raises(UsageError, match=r"'als' needs the library implicit.*pip install implicit"):
        make_baseline("als", task_of(TASTES), no_texts)


def test_names_come_in_one_order_and_a_misspelt_one_is_told() -> None:
    assert parse_baselines("ease, popularity") == ("popularity", "ease")
    assert parse_baselines("none") == ()
    with pytest.raises(UsageError, match=f"expected some of {', '.join(NAMES)}, or none; got 'eas'"):
        parse_baselines("eas")
