"""When a worker starts a compaction: the journal has outgrown its share of the release; one at a time."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from indexing.building.compaction_due import is_due
from indexing.journal.current_rows import CurrentRows
from indexing.state.contract import StateStore
from service.schemas.settings import Settings

_log = logging.getLogger("nearfield.service")

Compact = Callable[[], Awaitable[str | None]]
# After one that failed, or one that another worker was quicker with.
_PAUSE_S = 60.0


class Compactor:
    """Starts `compact` in the background; what it says is logged, as nobody waits for it."""

    def __init__(self, settings: Settings, state: StateStore, compact: Compact) -> None:
        self._settings = settings
        self._state = state
        self._compact = compact
        self._running: asyncio.Task[None] | None = None
        self._not_before = 0.0

    def look(self, live: CurrentRows) -> None:
        """Start a compaction if one is due and none is running, here or in any other process."""
        if self._running is not None or not is_due(live, self._settings.max_journal_share):
            return
        if time.monotonic() < self._not_before:
            return
        self._running = asyncio.create_task(self._run())

    def close(self) -> None:
        """Wait for no compaction that runs; its process goes on."""
        if self._running is not None:
            self._running.cancel()

    async def _run(self) -> None:
        try:
            if await self._state.build_holder() is not None:
                return
            reason = await self._compact()
            if reason is not None:
                _log.error("the journal was not compacted: %s", reason)
        finally:
            self._running = None
            self._not_before = time.monotonic() + _PAUSE_S
