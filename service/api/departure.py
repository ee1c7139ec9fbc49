"""Whether a client has gone while its answer is made."""

import asyncio
from types import TracebackType
from typing import Any, Self

from litestar.types import HTTPReceiveMessage, Receive

Message = Any | HTTPReceiveMessage


class Departure:
    """While in the block, `gone` tells whether the client has closed its connection; its body must have been read."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive

    async def __aenter__(self) -> Self:
        # After the body there is one message more, which comes when the client goes or has its answer.
        self._message: asyncio.Future[Message] = asyncio.ensure_future(self._receive())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._message.cancel()

    def gone(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self._message.done() and self._message.result()["type"] == "http.disconnect"
