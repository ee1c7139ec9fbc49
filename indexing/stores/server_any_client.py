"""A client of whichever address of a server answers, for writes and whatever else no answer waits for."""

from collections.abc import Awaitable, Callable
from typing import Any

from indexing.stores.server_endpoints import Endpoints
from indexing.stores.server_errors import REFUSALS, is_gone, store_error


class AnyClient:
    """Speaks as the client does: each call goes to one address that answers, and is not tried again."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            one = self._endpoints.one()
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
