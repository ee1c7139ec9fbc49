"""Which address of a Qdrant server is asked, for how long, and what is done when it does not answer.

A read of an answer that is being made takes half of the time that is left (indexing/stores/answer_budget.py), and is
tried once more, at another address where one can be asked. Anything else takes as long as the client allows.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar, cast

from qdrant_client import AsyncQdrantClient

from indexing.errors import CollectionMissingError, EngineAwayError, KeyRefusedError, StoreError
from indexing.stores.answer_budget import open_budget
from indexing.stores.breaker import Admits, Breaker
from indexing.stores.server_errors import REFUSALS, is_gone, store_error

_log = logging.getLogger("nearfield.indexing")
# One call gets this part of the time that is left: what it leaves is for another try, and for an answer without it.
_PART = 0.5
# Less than this is no time to ask in.
_LEAST_S = 0.02
# The longest that a try of an address may take for which nobody waits.
_TRY_S = 1.0

T = TypeVar("T")
Call = Callable[[AsyncQdrantClient, int | None], Awaitable[T]]
"""A read, given the client to ask and the whole seconds after which the server may give it up (None: its own)."""


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


class Endpoints:
    """The addresses of one server, in their order, one or more; they are asked in turns."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._endpoints = tuple(endpoints)
        self._turn = 0
        self._tries: set[asyncio.Task[None]] = set()

    @property
    def any_client(self) -> AsyncQdrantClient:
        """A client of whichever address answers, for writes and whatever else nobody waits for."""
        return cast("AsyncQdrantClient", _AnyClient(self))

    def first(self) -> Endpoint:
        """The first that is not known to be away, or the first of all."""
        return next((one for one in self._endpoints if one.breaker.is_closed), self._endpoints[0])

    async def read(self, call: Call[T], doing: str) -> T:
        """The answer to a read, within the budget of the answer that is being made.

        EngineAwayError where no address that was asked answered, or none is to be asked just now; what a server
        refuses is the StoreError that its refusal means.
        """
        budget, in_turn = open_budget(), self._in_turn()

        async def unhurried(one: Endpoint) -> T:
            return await one.ask(lambda client: call(client, None), doing, None)

        if budget is None:
            return await self._first_answer(in_turn, unhurried)
        admitted = [one for one in in_turn if self._admits(one, call, doing)]

        async def hurried(one: Endpoint) -> T:
            timeout_s = _PART * budget.left_s
            if timeout_s < _LEAST_S:
                raise EngineAwayError(f"could not {doing}: no time is left for it")
            return await one.ask(lambda client: call(client, math.ceil(timeout_s)), doing, timeout_s)

        if not admitted:
            raise EngineAwayError(f"could not {doing}: {self._all_away()}")
        return await self._first_answer(admitted[:2], hurried)

    async def trouble(self) -> str | None:
        """Why the server does not answer a small question, None where it does."""
        try:
            await self.read(lambda client, _: client.info(), "ask whether it is there")
        except StoreError as error:
            return str(error)
        return None

    async def close(self) -> None:
        """Let go of all connections."""
        tries = tuple(self._tries)
        for task in tries:
            task.cancel()
        await asyncio.gather(*tries, return_exceptions=True)
        for one in self._endpoints:
            await one.client.close()

    async def _first_answer(self, some: Sequence[Endpoint], ask: Callable[[Endpoint], Awaitable[T]]) -> T:
        for one in some[:-1]:
            with suppress(EngineAwayError, CollectionMissingError):
                return await ask(one)
        return await ask(some[-1])

    def _in_turn(self) -> tuple[Endpoint, ...]:
        if len(self._endpoints) == 1:
            return self._endpoints
        self._turn = (self._turn + 1) % len(self._endpoints)
        return self._endpoints[self._turn :] + self._endpoints[: self._turn]

    def _admits(self, one: Endpoint, call: Call[Any], doing: str) -> bool:
        """Whether an address is to be asked now; one that is to be tried again is asked aside, and nobody waits."""
        admits = one.breaker.admits()
        if admits is Admits.ONE_TRY:
            task = asyncio.create_task(self._try(one, call, doing))
            self._tries.add(task)
            task.add_done_callback(self._tries.discard)
        return admits is Admits.ALL

    async def _try(self, one: Endpoint, call: Call[Any], doing: str) -> None:
        with suppress(StoreError):
            await one.ask(lambda client: call(client, math.ceil(_TRY_S)), doing, _TRY_S)

    def _all_away(self) -> str:
        urls = ", ".join(one.url for one in self._endpoints)
        return f"Qdrant did not answer just now ({urls}), and is asked again in a moment"


class _AnyClient:
    """Speaks as the client does: each call goes to one address, and is not tried again."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            one = self._endpoints.first()
            try:
                answer = await getattr(one.client, name)(*args, **kwargs)
            except REFUSALS as error:
                one.note(store_error(error, name), at_once=is_gone(error))
                raise
            one.note(None)
            return answer

        return call

    async def close(self) -> None:
        """Let go of all connections."""
        await self._endpoints.close()
