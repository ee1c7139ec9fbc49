"""What a query searches with, as the stages ask for it: one contract, whatever kind of query it is."""

from collections.abc import Mapping, Sequence, Set
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from embedding.rows.schema import Kind
from service.arranging.page import Page
from service.loaded.exclusions import NOTHING_HEARD, Exclusions
from service.loaded.kind_quotas import KindQuota
from service.ranking.contract import Ranking
from service.schemas.answers import Passage


class QuerySource(Protocol):
    """What a query searches with: seeds, a listener's history, words or a vector."""

    @property
    def rows(self) -> Sequence[int]:
        """Rows that it was asked with, which never come back."""

    @property
    def seeds(self) -> Sequence[int]:
        """Those of `rows` that a hit can be near to, for explanations."""

    @property
    def skipped(self) -> tuple[str, ...]:
        """Ids that it was asked with and that are not in the catalogue."""

    @property
    def heard(self) -> NDArray[np.int32]:
        """(H,) rows that the listener has heard and that must not come, ascending."""

    @property
    def likeness_space(self) -> str:
        """The space in which hits are compared with one another and with seeds."""

    @property
    def kinds(self) -> Set[Kind] | None:
        """The kinds to look among for a request that names none; None: all."""

    @property
    def kinds_together(self) -> bool:
        """Whether one ranking has all kinds right, whatever the tower has learnt of crossing from one to another."""

    async def ranking(self, quota: KindQuota, excluded: Exclusions) -> Ranking | None:
        """The ranking of what a quota may have; None where nothing is known to search with.

        Raises a ProblemError.
        """

    async def passages(self, rows: list[int]) -> Mapping[int, Passage]:
        """By which passage each of `rows` came, for those that came by one."""

    def short_reason(self, page: Page, num_shown_before: int) -> str | None:
        """Why a short page of this query is short; None where that is as the rules and the arrangement say."""


class PlainSource:
    """The answers of a source that has neither heard items nor passages nor a reason of its own."""

    rows: Sequence[int] = ()
    seeds: Sequence[int] = ()
    skipped: tuple[str, ...] = ()
    heard: NDArray[np.int32] = NOTHING_HEARD
    kinds_together: bool = False

    @property
    def kinds(self) -> Set[Kind] | None:
        """As QuerySource."""
        return None

    async def passages(self, rows: list[int]) -> Mapping[int, Passage]:  # noqa: ARG002  # as QuerySource
        """As QuerySource."""
        return {}

    def short_reason(self, page: Page, num_shown_before: int) -> str | None:  # noqa: ARG002  # as QuerySource
        """As QuerySource."""
        return None
