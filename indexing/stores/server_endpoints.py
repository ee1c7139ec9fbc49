"""Which address of a Qdrant server is asked, for how long, and what is done when it does not answer.

A read of an answer that is being made takes half of the time that is left (indexing/stores/answer_budget.py), and is
tried once more, at another address where one can be asked. Anything else takes as long as the client allows.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from qdrant_client import AsyncQdrantClient

from indexing.errors import CollectionMissingError, EngineAwayError, StoreError
from indexing.stores.answer_budget import open_budget
from indexing.stores.breaker import Admits
from indexing.stores.server_endpoint import Endpoint

# One call gets this part of the time that is left: what it leaves is for another try, and for an answer without it.
_PART = 0.5
# Less than this is no time to ask in.
_LEAST_S = 0.02
# The longest that a try of an address may take for which nobody waits.
_TRY_S = 1.0

T = TypeVar("T")
Call = Callable[[AsyncQdrantClient, int | None], Awaitable[T]]
"""A read, given the client to ask and the whole seconds after which the server may give it up (None: its own)."""


class Endpoints:
    """The addresses of one server, in their order, one or more; they are asked in turns."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._endpoints = tuple(endpoints)
        self._turn = 0
        self._tries: set[asyncio.Task[None]] = set()

    def one(self) -> Endpoint:
        """The first that is not known to be away; where all are, each in its turn."""
        return next((one for one in self._endpoints if one.breaker.is_closed), self._in_turn()[0])

    async def read(self, call: Call[T], doing: str) -> T:
        """The answer to a read, within the budget of the answer that is being made.

        EngineAwayError where no address that was asked answered, or none is to be asked just now; what a server
        refuses is the StoreError that its refusal means.
        """
        budget, in_turn = open_budget(), self._in_turn()

        async def unhurried(one: Endpoint) -> T:
            return await one.ask(lambda client: call(client, None), doing, None)

        if budget is None:
            # One that hangs would be waited for as long as the client does: those that answer come first.
            return await self._first_answer(sorted(in_turn, key=lambda one: not one.breaker.is_closed), unhurried)
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
