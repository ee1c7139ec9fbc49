"""Waiting for a server's optimiser: until every copy on every node is there, idle, and as large as the others."""

import asyncio
import time

from qdrant_client import AsyncQdrantClient, models

from indexing.errors import StoreError
from indexing.stores.server_copies import Copy, away, busy, copies_of, unlike
from indexing.stores.server_retries import Patience, ask_again

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 2.0
# Between two rounds of merging a copy looks idle for a moment.
_IDLE_LOOKS = 2


class Optimising:
    """The optimising of one collection, by its full name; `doing` is what errors call it."""

    def __init__(self, client: AsyncQdrantClient, name: str, doing: str, patience: Patience) -> None:
        self._client, self._name, self._doing, self._patience = client, name, doing, patience

    async def finish(self) -> None:
        """Return when all copies are optimised; StoreError after `patience`, or where the optimiser failed."""
        give_up_at, pause_s = time.monotonic() + self._patience.optimise_s, _FIRST_PAUSE_S
        there_at, num_idle = time.monotonic(), 0
        while num_idle < _IDLE_LOOKS:
            copies = await self._look()
            absent, unfinished = away(copies), busy(copies) or unlike(copies)
            num_idle = num_idle + 1 if absent is unfinished is None else 0
            now = time.monotonic()
            if absent is None:
                there_at = now
            elif now > there_at + self._patience.writes_s:
                raise StoreError(
                    f"could not {self._doing}: copies were away for {self._patience.writes_s:.0f} s: {absent}. "
                    "Start those nodes, then run the same command again"
                )
            if num_idle == 0 and now > give_up_at:
                raise StoreError(
                    f"could not {self._doing}: not done after {self._patience.optimise_s:.0f} s: "
                    f"{absent or unfinished}. Look at the server's load and log; building again starts over"
                )
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def _look(self) -> list[Copy]:
        """The copies now; StoreError where one failed, and a nudge for those that wait for one."""
        info = await ask_again(lambda: self._client.get_collection(self._name), self._doing, self._patience.writes_s)
        if info.optimizer_status != models.OptimizersStatusOneOf.OK:
            raise StoreError(f"could not {self._doing}: the server's optimiser failed: {info.optimizer_status}")
        copies = await ask_again(
            lambda: copies_of(self._client, self._name, self._doing), self._doing, self._patience.writes_s
        )
        failed = [str(copy) for copy in copies if copy.status == models.ShardStatus.RED.value]
        if failed:
            raise StoreError(f"could not {self._doing}: the server's optimiser failed: {failed[0]}. Look at its log")
        if any(copy.status == models.ShardStatus.GREY.value for copy in copies):
            # Work is planned and not begun, as after a restart of a node; any change of settings begins it.
            await ask_again(
                lambda: self._client.update_collection(self._name, optimizers_config=models.OptimizersConfigDiff()),
                self._doing,
                self._patience.calls_s,
            )
        return copies
