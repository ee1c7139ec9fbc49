"""What a plan is: one way to find the nearest rows that pass the rules, with the name by which it is shown and kept."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from msgspec import Struct

from indexing.search.column_scan import ColumnScan, NearestQuery
from indexing.stores.contract import Ranked, SearchParams, VectorStore

StoredPlan = str | SearchParams
"""A plan as it stands in plans files: by its name, or by what it tells the engine."""


class Nearest(Struct, frozen=True):
    """Rows and their scores, best first, of equals the lower row; `exact` when nothing nearer that passes can have been
    missed.

    `plan` is the name of the one that found them, which need not be the one that was asked; None where none was.
    `thinned` when the rows that it was wanted without are not among them.
    """

    rows: list[int]
    scores: list[float]
    exact: bool
    plan: str | None = None
    thinned: bool = False


class Collection(Struct, frozen=True):
    """What a plan searches: the points of one collection, in the engine under their `id`, and in the columns.

    `scanned` is the answer of `scan`; a service makes scans that wait at the same time together.
    """

    id: str
    store: VectorStore
    scan: ColumnScan
    scanned: Callable[[NearestQuery], Awaitable[Ranked]]


class Plan(Protocol):
    """One way to find the nearest rows; it holds nothing of any collection."""

    @property
    def name(self) -> str:
        """As answers (`explain`), the doctor's table and its JSON show it."""

    @property
    def family(self) -> str:
        """Plans of one family are listed from the cheapest up, and each finds no less than the one before it."""

    @property
    def stored(self) -> StoredPlan:
        """As plans files have it."""

    @property
    def asks_engine(self) -> bool:
        """Whether it finds nothing while the engine is away."""

    def worth_trying(self, queries: Sequence[NearestQuery], collection: Collection, *, scan_is_slow: bool) -> bool:
        """Whether the doctor should measure it for a shape: `queries` has one for each of the shape's contexts."""

    async def nearest(self, query: NearestQuery, collection: Collection) -> Nearest:
        """The `query.limit` nearest rows that pass; fewer where fewer pass. Raises StoreError when the engine fails.

        A plan that does not leave out `query.without` must not say that it is `thinned`.
        """
