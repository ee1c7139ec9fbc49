"""One address of a Qdrant server: asked within a time, and noted when it stops answering and when it answers again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from qdrant_client import AsyncQdrantClient

from indexing.errors import EngineAwayError, KeyRefusedError, StoreError
from indexing.stores.breaker import Breaker
from indexing.stores.server_errors import REFUSALS, is_gone, store_error

_log = logging.getLogger("nearfield.indexing")
T = TypeVar("T")


class Endpoint:
    """One address, with its client and its breaker; it logs when it stops answering, and when it answers again."""

    def __init__(self, url: str, client: AsyncQdrantClient, breaker: Breaker | None = None) -> None:
        self.url, self.client, self.breaker = url, client, breaker or Breaker()

    async def ask(self, call: Callable[[AsyncQdrantClient], Awaitable[T]], doing: str, timeout_s: float | None) -> T:
        """The answer; StoreError where there is none, EngineAwayError within `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                answer = await call(self.client)
        except TimeoutError as error:
            away = EngineAwayError(f"could not {doing}: no answer within {timeout_s:.2g} s")
            self.note(away, at_once=False)
            raise away from error
        except REFUSALS as error:
            kind = store_error(error, doing)
            refused = isinstance(kind, KeyRefusedError)
            if refused:
                # Whose key may not even read is as good as away, and its answers can do without.
                kind = EngineAwayError(str(kind))
            self.note(kind, at_once=refused or is_gone(error))
            raise kind from error
        self.note(None)
        return answer

    def note(self, error: StoreError | None, *, at_once: bool = False) -> None:
        """Tell the breaker how a call went; what the server refuses, it has answered."""
        if isinstance(error, EngineAwayError):
            if self.breaker.failed(at_once=at_once):
                _log.warning("Qdrant at %s does not answer: %s", self.url, error)
            return
        failed_s = self.breaker.answered()
        if failed_s is not None:
            _log.warning("Qdrant at %s answers again, after %.1f s", self.url, failed_s)
