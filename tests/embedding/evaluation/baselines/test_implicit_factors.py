"""Factorisations by the library `implicit`: planted tastes, and what is said where the library is not installed."""

import sys

import pytest

from embedding.errors import UsageError
from embedding.evaluation.baselines.registry import BASELINES
from embedding.protocols import Vectors
from tests.embedding.evaluation.baselines.contract import BaselineContract, Planted, planted_tastes
from tests.embedding.evaluation.tasks import task_of


class TestLeastSquares(BaselineContract):
    name = "als"
    library = "implicit"

    def planted(self) -> Planted:
        return planted_tastes()


class TestPairwiseRanking(BaselineContract):
    name = "bpr"
    library = "implicit"

    def planted(self) -> Planted:
        return planted_tastes()


def no_texts() -> Vectors:
    raise AssertionError("factorisations read no texts")


@pytest.mark.parametrize("name", ["als", "bpr"])
def test_a_library_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setitem(sys.modules, "implicit", None)
    for module in [module for module in sys.modules if module.startswith("implicit.")]:
        monkeypatch.delitem(sys.modules, module)
    task = task_of(planted_tastes().weights)

    with pytest.raises(UsageError, match=rf"'{name}' needs the library implicit.*pip install implicit.*--baselines"):
        BASELINES[name].fit(task, no_texts)
