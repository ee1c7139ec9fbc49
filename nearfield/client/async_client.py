"""The client for asyncio: as the other one, with each method a coroutine."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from types import TracebackType
from typing import Self, TypeVar, Unpack

import httpx

from nearfield.client import paging, routes
from nearfield.client.answers import (
    Answer,
    BatchAnswer,
    FacetsAnswer,
    Item,
    ItemsAnswer,
    SuggestAnswer,
    WhyAnswer,
)
from nearfield.client.connection import DEFAULT_TIMEOUT_S, DEFAULT_URL, Connection
from nearfield.client.exchange import Exchange, Received
from nearfield.client.operation_answers import (
    Activated,
    Changed,
    Everywhere,
    Hidden,
    Live,
    Ready,
    ReleaseList,
    RulesAccepted,
    TakedownList,
)
from nearfield.client.paging import P, PageT
from nearfield.client.requests import (
    ActivateParameters,
    AnyQuery,
    FacetsQuery,
    ItemsParameters,
    LiftParameters,
    RecommendQuery,
    Row,
    SearchOptions,
    Seed,
    SimilarOptions,
    SimilarToParameters,
    SuggestOptions,
    TakeDownParameters,
    TakedownsParameters,
)
from nearfield.client.retries import RETRIES, Retries
from nearfield.client.route import Call

T = TypeVar("T")


class AsyncClient:
    """As Client (nearfield/client/client.py), for asyncio: `async with AsyncClient() as client`, `await client.search`.

    `pages` gives an asynchronous iterator.
    """

    def __init__(
        self,
        base_url: str = DEFAULT_URL,
        *,
        token: str | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        retries: Retries = RETRIES,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """As Client."""
        self._connection = Connection(base_url=base_url, token=token, timeout_s=timeout_s, retries=retries)
        self._http = httpx.AsyncClient(transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    def pages(self, query: Callable[P, Awaitable[PageT]], *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[PageT]:
        """As Client.pages: `async for page in client.pages(client.search, "jazz", limit=50)`."""
        return paging.async_pages(query, *args, **kwargs)

    async def similar(self, seeds: Sequence[Seed], **options: Unpack[SimilarOptions]) -> Answer:
        """Items near up to 100 weighted seeds, ids or vectors: `similar([{"id": "a"}], context={"market": "SE"})`."""
        return await self._send(routes.SIMILAR.call(body={"seeds": seeds, **options}))

    async def recommend(self, **query: Unpack[RecommendQuery]) -> Answer:
        """Items for a known `user_id`, for a posted `history`, or for both."""
        return await self._send(routes.RECOMMEND.call(body=query))

    async def search(self, text: str, **options: Unpack[SearchOptions]) -> Answer:
        """Items that match a text, by its words, its meaning or both."""
        return await self._send(routes.SEARCH.call(body={"text": text, **options}))

    async def batch(self, queries: Sequence[AnyQuery]) -> BatchAnswer:
        """Up to 50 queries in one call, `{"search": {"text": "jazz"}}` and the like; one that fails stops no other."""
        return await self._send(routes.BATCH.call(body={"queries": queries}))

    async def why(self, item_id: str, **query: Unpack[AnyQuery]) -> WhyAnswer:
        """Why an item came for one query, or did not: `why("track-1", search={"text": "jazz"})`."""
        return await self._send(routes.WHY.call({"item_id": item_id}, body=query))

    async def facets(self, **query: Unpack[FacetsQuery]) -> FacetsAnswer:
        """How many items may be shown, and how many of them have each kind, language, tag and creator."""
        return await self._send(routes.FACETS.call(body=query))

    async def suggest(self, q: str, **options: Unpack[SuggestOptions]) -> SuggestAnswer:
        """Titles and names of creators that go on as `q` begins."""
        return await self._send(routes.SUGGEST.call(parameters={"q": q, **options}))

    async def items(self, **parameters: Unpack[ItemsParameters]) -> ItemsAnswer:
        """All items that may be shown, page by page: `for page in client.pages(client.items, market="SE")`."""
        return await self._send(routes.ITEMS.call(parameters=parameters))

    async def item(self, item_id: str) -> Item:
        """All that the live release keeps of an item."""
        return await self._send(routes.ITEM.call({"item_id": item_id}))

    async def similar_to(self, item_id: str, **parameters: Unpack[SimilarToParameters]) -> Answer:
        """Items near one item."""
        return await self._send(routes.SIMILAR_TO.call({"item_id": item_id}, parameters))

    async def put_items(self, items: Sequence[Row]) -> Changed:
        """Put up to 100 whole catalogue rows, all or none. Needs the token."""
        return await self._send(routes.PUT_ITEMS.call(body={"items": items}))

    async def remove_item(self, item_id: str) -> Changed:
        """Remove a catalogue row; the next build has it again if its catalogue does. Needs the token."""
        return await self._send(routes.REMOVE_ITEM.call({"item_id": item_id}))

    async def take_down(self, item_id: str, **parameters: Unpack[TakeDownParameters]) -> Hidden:
        """Hide an item on every release, past and future, until it is lifted; an id that nothing is known of needs
        `ahead=True`. Needs the token."""
        return await self._send(routes.TAKE_DOWN.call({"item_id": item_id}, parameters))

    async def lift(self, item_id: str, **parameters: Unpack[LiftParameters]) -> Hidden:
        """Lift a takedown. Needs the token."""
        return await self._send(routes.LIFT.call({"item_id": item_id}, parameters))

    async def takedowns(self, **parameters: Unpack[TakedownsParameters]) -> TakedownList:
        """All that is taken down: since when, by whom, why. Needs the token."""
        return await self._send(routes.TAKEDOWNS.call(parameters=parameters))

    async def change(self, number: int) -> Everywhere:
        """Whether the change of this `number` holds in every worker by now. Needs the token."""
        return await self._send(routes.CHANGE.call({"number": str(number)}))

    async def put_rules(self, toml: str) -> RulesAccepted:
        """Put rules in force, the text of a rules file. Needs the token."""
        return await self._send(routes.PUT_RULES.call(body={"toml": toml}))

    async def releases(self) -> ReleaseList:
        """All releases, and the live one. Needs the token."""
        return await self._send(routes.RELEASES.call())

    async def activate(self, release_id: str, **parameters: Unpack[ActivateParameters]) -> Activated:
        """Make a release live. Needs the token."""
        return await self._send(routes.ACTIVATE.call({"release_id": release_id}, parameters))

    async def live(self) -> Live:
        """Whether the process runs."""
        return await self._send(routes.LIVE.call())

    async def ready(self) -> Ready:
        """Whether the service can answer, and from what; one that is not ready is an answer, too (`is_ready`)."""
        return await self._send(routes.READY.call())

    async def _send(self, call: Call[T]) -> T:
        exchange = Exchange(call, self._connection.retries, self._connection.timeout_s)
        while True:
            request = self._connection.request(call, exchange.begin())
            try:
                received = await self._received(request, exchange)
            except httpx.TransportError as error:
                wait_s: float | None = exchange.failed(error)
            else:
                wait_s = exchange.came(received)
            if wait_s is None:
                return exchange.answer
            await asyncio.sleep(wait_s)

    async def _received(self, request: httpx.Request, exchange: Exchange[T]) -> Received:
        response = await self._http.send(request, stream=True)
        try:
            body = bytearray()
            async for part in response.aiter_bytes():
                body += part
                exchange.check_time()
        finally:
            await response.aclose()
        return Received(response.status_code, response.headers, bytes(body))
