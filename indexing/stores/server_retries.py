"""How long a call to the server is tried again: nodes come back, and a cluster elects another leader."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from msgspec import Struct
from qdrant_client import AsyncQdrantClient

from indexing.errors import CollectionMissingError, EngineAwayError, StoreError
from indexing.stores.server_errors import ask

_log = logging.getLogger("nearfield.indexing")
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 2.0
T = TypeVar("T")


class Patience(Struct, frozen=True, kw_only=True):
    """Seconds after which a store gives up what it tries again."""

    # Making and dropping collections: another leader of the cluster is elected within seconds.
    calls_s: float = 60.0
    # A batch, a payload index, and a copy whose node is away: a machine that starts anew takes minutes.
    writes_s: float = 600.0
    # 1.76M vectors of 1024-d took a server 11 minutes (docs/log.md).
    optimise_s: float = 4 * 3600.0


class _NotYetThereError(StoreError):
    """A node does not know a collection that the others know."""


async def ask_again(call: Callable[[], Awaitable[T]], doing: str, patience_s: float) -> T:
    """The answer to a call of the client that may be made any number of times; the first try is made in any case.

    StoreError at once where trying again cannot help, and after `patience_s` with the words of the last try.
    """
    give_up_at, pause_s, told = time.monotonic() + patience_s, _FIRST_PAUSE_S, False
    while True:
        try:
            return await ask(call(), doing)
        except StoreError as error:
            if not isinstance(error, _NotYetThereError | EngineAwayError):
                raise
            if time.monotonic() + pause_s > give_up_at:
                raise StoreError(
                    f"{error}. It was tried again for {patience_s:.0f} s: see that every node of the server runs, "
                    "then run the same command again"
                ) from error.__cause__
            if not told:
                _log.warning("%s; trying again for up to %.0f s", error, patience_s)
                told = True
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


async def write_again(
    client: AsyncQdrantClient, name: str, call: Callable[[], Awaitable[T]], doing: str, patience_s: float
) -> T:
    """As `ask_again`, for a write to the collection of this full name; CollectionMissingError where it is not there.

    A node that comes back says that of a collection which it has not heard of yet.
    """

    async def attempt() -> T:
        try:
            return await ask(call(), doing)
        except CollectionMissingError as error:
            if not await ask(client.collection_exists(name), doing):
                raise
            raise _NotYetThereError(str(error)) from error.__cause__

    return await ask_again(attempt, doing, patience_s)
