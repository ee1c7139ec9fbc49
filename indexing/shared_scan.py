"""Scans that wait at the same time, made together: the rows are read from memory once for all of them."""

import asyncio

from indexing.column_scan import ColumnScan, Wanted
from indexing.stores.contract import Ranked

# One scan holds up everything else in the process.
_MOST_AT_ONCE = 32


class SharedScan:
    """One scan of a release for all requests of one event loop.

    A request waits for nobody: whatever is wanted by the time the loop comes round goes into one scan. Under load those
    are many (16 at 53,000 x 64 take a third of their time), and alone it is one.
    """

    def __init__(self, scan: ColumnScan) -> None:
        self._scan = scan
        self._waiting: list[tuple[Wanted, asyncio.Future[Ranked]]] = []

    async def nearest(self, wanted: Wanted) -> Ranked:
        """What `ColumnScan.nearest` gives."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Ranked] = loop.create_future()
        self._waiting.append((wanted, answer))
        if len(self._waiting) == 1:
            loop.call_soon(self._scan_all)
        return await answer

    def _scan_all(self) -> None:
        # Whoever has gone away meanwhile is not searched for.
        waiting = [(wanted, answer) for wanted, answer in self._waiting if not answer.done()]
        waiting, self._waiting = waiting[:_MOST_AT_ONCE], waiting[_MOST_AT_ONCE:]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._scan_all)
        try:
            found = self._scan.nearest_of([wanted for wanted, _ in waiting])
        except Exception as error:
            for _, answer in waiting:
                answer.set_exception(error)
            return
        for (_, answer), ranked in zip(waiting, found, strict=True):
            answer.set_result(ranked)
