"""Factorisations by the library `implicit`: planted tastes, and what is said where the library is not installed."""

import sys

import pytest

from embedding.errors import UsageError
from embedding.evaluation.baselines.registry import parse_baselines
from tests.embedding.evaluation.baselines.contract import BaselineContract, Planted, planted_tastes


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


@pytest.mark.parametrize("name", ["als", "bpr"])
def test_a_library_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setitem(sys.modules, "implicit", None)
    with pytest.raises(UsageError, match=rf"'{name}' needs implicit.*pip install 'nearfield\[als\]'.*--baselines"):
        parse_baselines(f"popularity,{name}")
    assert parse_baselines("popularity") == ("popularity",)
