"""Scans that wait at the same time, made together: the rows are read from memory once for all of them."""

import asyncio
import logging

from indexing.search.column_scan import ColumnScan, Wanted
from indexing.stores.contract import Ranked

# One scan holds up everything else in the process.
_MOST_AT_ONCE = 32
_log = logging.getLogger("nearfield.indexing")


class _Ask:
    """One request that waits, until it is answered."""

    __slots__ = ("answer", "wanted")

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.answer: Ranked | None = None


class SharedScan:
    """One scan of a release for all requests of one event loop.

    A request waits for nobody: each lets the loop come round once, and the first to go on scans for all that wait by
    then. Under load those are many (16 at 53,000 x 64 take a third of their time), and alone it is one.
    """

    def __init__(self, scan: ColumnScan) -> None:
        self._scan = scan
        self._waiting: list[_Ask] = []

    async def nearest(self, wanted: Wanted) -> Ranked:
        """What `ColumnScan.nearest` gives."""
        ask = _Ask(wanted)
        self._waiting.append(ask)
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            if ask in self._waiting:
                self._waiting.remove(ask)
            raise
        if ask.answer is None:
            self._answer(ask)
        # What failed for all together may be the fault of another.
        return self._scan.nearest_of([wanted])[0] if ask.answer is None else ask.answer

    def _answer(self, ask: _Ask) -> None:
        """Answer `ask` and those that wait with it; none of them where the scan fails."""
        together = self._waiting[:_MOST_AT_ONCE]
        if ask not in together:
            return
        del self._waiting[:_MOST_AT_ONCE]
        try:
            answers = self._scan.nearest_of([one.wanted for one in together])
        except Exception:
            # Each asks again by itself, and whose fault it is gets the error; what none of them did is seen here alone.
            _log.exception("a scan for %d requests together failed; each is scanned for by itself", len(together))
            return
        for one, answer in zip(together, answers, strict=True):
            one.answer = answer
