"""Fusions by their names, each put through the contract; a toy one shows what a newcomer writes."""

from collections.abc import Sequence

import pytest

from embedding.errors import UsageError
from embedding.registry import Registry
from indexing.journal.current_rows import CurrentRows
from service.ranking.contract import Candidates, Ranking
from service.ranking.fallback_chain import FallbackChain
from service.ranking.fusions import FUSIONS, Fusion
from service.ranking.rrf import Rrf
from tests.service.ranking.contract import FusionContract


class OneAfterAnother:
    """A toy: all rows of the first ranking, then those of the next."""

    name = "one-after-another"

    def fuse(self, current: CurrentRows, rankings: Sequence[Ranking]) -> Ranking:
        """As Fusion."""
        return _ByPlace(FallbackChain(current, [(str(number), ranking) for number, ranking in enumerate(rankings)]))


class _ByPlace:
    def __init__(self, chain: FallbackChain) -> None:
        self._chain = chain

    def spaces_of(self, rows: Sequence[int]) -> Sequence[None]:
        """As Ranking: by none."""
        return [None] * len(rows)

    async def first(self, depth: int) -> Candidates:
        """As Ranking."""
        found = await self._chain.first(depth)
        scores = [1 / place for place in range(1, len(found.rows) + 1)]
        return Candidates(found.rows, scores, found.exhausted, found.num_excluded)


class TestRrf(FusionContract):
    """Reciprocal rank fusion."""

    fusion = Rrf()


class TestOneAfterAnother(FusionContract):
    """The toy."""

    fusion = OneAfterAnother()


def test_every_fusion_is_checked() -> None:
    checked = {subclass.fusion.name for subclass in FusionContract.__subclasses__()}
    assert set(FUSIONS.names) <= checked, "a fusion without a subclass of FusionContract"


def test_one_is_found_by_its_name() -> None:
    fusions: Registry[Fusion] = Registry("fusion", (*FUSIONS, OneAfterAnother()))
    assert isinstance(fusions["one-after-another"], OneAfterAnother)
    with pytest.raises(UsageError, match=r"expected one of rrf, one-after-another \(did you mean rrf\?\); 'rff' came"):
        fusions["rff"]
