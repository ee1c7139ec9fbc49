"""The fusions: how rankings by unlike scores become one. A new fusion is a file beside rrf.py and a line here."""

from collections.abc import Sequence
from typing import Protocol

from embedding.registry import Registry
from indexing.journal.current_rows import CurrentRows
from service.ranking.contract import Ranking
from service.ranking.rrf import Rrf


class Fusion(Protocol):
    """A way to make one ranking out of several."""

    @property
    def name(self) -> str:
        """What it is called."""

    def fuse(self, current: CurrentRows, rankings: Sequence[Ranking]) -> Ranking:
        """The union of the rankings' rows, in an order that does not depend on how many are asked for."""


FUSIONS: Registry[Fusion] = Registry("fusion", (Rrf(),))
