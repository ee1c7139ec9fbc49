"""Which baselines there are: each by name, each put through the contract suite; a new one takes a few lines."""

import numpy as np
import pytest

from embedding.data.task import Task
from embedding.errors import UsageError
from embedding.evaluation.baselines.baseline import Baseline, CandidateTexts
from embedding.evaluation.baselines.registry import BASELINES, parse_baselines
from embedding.evaluation.dot_product import DotProductScorer
from embedding.evaluation.scorer import Scorer
from embedding.registry import Registry
from tests.embedding.contracts import untested
from tests.embedding.evaluation.baselines.contract import BaselineContract, Planted


class LastRow(Baseline):
    """What stands last in the catalogue ranks first."""

    name = "last-row"

    def fit(self, task: Task, texts: CandidateTexts) -> Scorer:  # noqa: ARG002  # of no use to it
        rows = task.candidates[:, None].astype(np.float32)
        return DotProductScorer(np.ones((len(task.users), 1), np.float32), rows)


class Forgotten(LastRow):
    """A baseline that no test names."""

    name = "forgotten"


class TestLastRow(BaselineContract):
    registry = Registry[Baseline]("baseline", (LastRow(),))
    name = "last-row"

    def planted(self) -> Planted:
        return Planted(np.array([[1.0, 0, 0], [0, 0, 1]]), [(0, 1), (1, 1)], [2, 1])


def test_every_baseline_is_put_through_the_contract() -> None:
    assert untested(BASELINES, BaselineContract) == []
    assert untested((LastRow(), Forgotten()), BaselineContract) == ["forgotten"]


def test_names_come_in_one_order_and_a_misspelt_one_is_named() -> None:
    assert BASELINES.names == ("popularity", "item-knn", "ease", "als", "bpr", "text")
    assert parse_baselines("ease, popularity") == ("popularity", "ease")
    assert parse_baselines("none") == ()
    expected = r"--baselines .*none.*expected one of popularity, item-knn, ease, als, bpr, text .*ease\?.*'eas' came"
    with pytest.raises(UsageError, match=expected):
        parse_baselines("eas")
