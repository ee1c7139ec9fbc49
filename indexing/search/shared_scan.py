"""Scans that wait at the same time, made together: the rows are read from memory once for all of them."""

import asyncio
import logging

from indexing.search.column_scan import ColumnScan, NearestQuery
from indexing.stores.contract import Ranked

# One scan holds up everything else in the process.
_MOST_AT_ONCE = 32
_log = logging.getLogger("nearfield.indexing")


class _Waiter:
    """One query that waits, until it is answered."""

    __slots__ = ("answer", "query")

    def __init__(self, query: NearestQuery) -> None:
        self.query = query
        self.answer: Ranked | None = None


class SharedScan:
    """One scan of a release for all queries of one event loop.

    A query waits for nobody: each lets the loop come round once, and the first to go on scans for all that wait by
    then. Under load those are many (16 at 53,000 x 64 take a third of their time), and alone it is one.
    """

    def __init__(self, scan: ColumnScan) -> None:
        self._scan = scan
        self._waiting: list[_Waiter] = []

    async def nearest(self, query: NearestQuery) -> Ranked:
        """What `ColumnScan.nearest` gives."""
        waiter = _Waiter(query)
        self._waiting.append(waiter)
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            raise
        if waiter.answer is None:
            self._answer(waiter)
        # What failed for all together may be the fault of another.
        return self._scan.nearest(query) if waiter.answer is None else waiter.answer

    def _answer(self, waiter: _Waiter) -> None:
        """Answer `waiter` and those that wait with it; none of them where the scan fails."""
        together = self._waiting[:_MOST_AT_ONCE]
        if waiter not in together:
            return
        del self._waiting[:_MOST_AT_ONCE]
        try:
            answers = self._scan.nearest_of([one.query for one in together])
        except Exception:
            # Each asks again by itself, and whose fault it is gets the error; what none of them did is seen here alone.
            _log.exception("a scan for %d requests together failed; each is scanned for by itself", len(together))
            return
        for one, answer in zip(together, answers, strict=True):
            one.answer = answer
