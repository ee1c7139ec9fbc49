"""The client: each route of the service as a method that gives its answer, or raises what became of it."""

import time
from collections.abc import Callable, Iterator, Sequence
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


class Client:
    """A client of one service, for any number of threads; a context manager, which closes its connections.

    What the keywords of a method may be is in nearfield/client/requests.py; docs/api.md says what they mean. Raises
    a ClientError (nearfield/client/errors.py): a ProblemError where the service answered with a problem.

        with Client("http://127.0.0.1:8080") as client:
            for hit in client.search("late night jazz", context={"market": "SE"}).hits:
                print(hit.score, hit.title)
    """

    def __init__(
        self,
        base_url: str = DEFAULT_URL,
        *,
        token: str | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        retries: Retries = RETRIES,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`token`: the admin token, which changes need; `timeout_s`: how long one try may take; `retries`: how often
        and how long a call is tried; `transport`: in place of httpx's own. ValueError for what cannot be meant."""
        self._connection = Connection(base_url=base_url, token=token, timeout_s=timeout_s, retries=retries)
        self._http = httpx.Client(transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def pages(self, query: Callable[P, PageT], *args: P.args, **kwargs: P.kwargs) -> Iterator[PageT]:
        """The pages of a query, the first one included, each asked for when it is wanted:
        `for page in client.pages(client.search, "jazz", limit=50)`. GoneError where the cursor has run out or the rules
        changed between two pages."""
        return paging.pages(query, *args, **kwargs)

    def similar(self, seeds: Sequence[Seed], **options: Unpack[SimilarOptions]) -> Answer:
        """Items near up to 100 weighted seeds, ids or vectors: `similar([{"id": "a"}], context={"market": "SE"})`."""
        return self._send(routes.SIMILAR.call(body={"seeds": seeds, **options}))

    def recommend(self, **query: Unpack[RecommendQuery]) -> Answer:
        """Items for a known `user_id`, for a posted `history`, or for both."""
        return self._send(routes.RECOMMEND.call(body=query))

    def search(self, text: str, **options: Unpack[SearchOptions]) -> Answer:
        """Items that match a text, by its words, its meaning or both."""
        return self._send(routes.SEARCH.call(body={"text": text, **options}))

    def batch(self, queries: Sequence[AnyQuery]) -> BatchAnswer:
        """Up to 50 queries in one call, `{"search": {"text": "jazz"}}` and the like; one that fails stops no other."""
        return self._send(routes.BATCH.call(body={"queries": queries}))

    def why(self, item_id: str, **query: Unpack[AnyQuery]) -> WhyAnswer:
        """Why an item came for one query, or did not: `why("track-1", search={"text": "jazz"})`."""
        return self._send(routes.WHY.call({"item_id": item_id}, body=query))

    def facets(self, **query: Unpack[FacetsQuery]) -> FacetsAnswer:
        """How many items may be shown, and how many of them have each kind, language, tag and creator."""
        return self._send(routes.FACETS.call(body=query))

    def suggest(self, q: str, **options: Unpack[SuggestOptions]) -> SuggestAnswer:
        """Titles and names of creators that go on as `q` begins."""
        return self._send(routes.SUGGEST.call(parameters={"q": q, **options}))

    def items(self, **parameters: Unpack[ItemsParameters]) -> ItemsAnswer:
        """All items that may be shown, page by page: `for page in client.pages(client.items, market="SE")`."""
        return self._send(routes.ITEMS.call(parameters=parameters))

    def item(self, item_id: str) -> Item:
        """All that the live release keeps of an item."""
        return self._send(routes.ITEM.call({"item_id": item_id}))

    def similar_to(self, item_id: str, **parameters: Unpack[SimilarToParameters]) -> Answer:
        """Items near one item."""
        return self._send(routes.SIMILAR_TO.call({"item_id": item_id}, parameters))

    def put_items(self, items: Sequence[Row]) -> Changed:
        """Put up to 100 whole catalogue rows, all or none. Needs the token."""
        return self._send(routes.PUT_ITEMS.call(body={"items": items}))

    def remove_item(self, item_id: str) -> Changed:
        """Remove a catalogue row; the next build has it again if its catalogue does. Needs the token."""
        return self._send(routes.REMOVE_ITEM.call({"item_id": item_id}))

    def take_down(self, item_id: str, **parameters: Unpack[TakeDownParameters]) -> Hidden:
        """Hide an item on every release, past and future, until it is lifted; an id that nothing is known of needs
        `ahead=True`. Needs the token."""
        return self._send(routes.TAKE_DOWN.call({"item_id": item_id}, parameters))

    def lift(self, item_id: str, **parameters: Unpack[LiftParameters]) -> Hidden:
        """Lift a takedown. Needs the token."""
        return self._send(routes.LIFT.call({"item_id": item_id}, parameters))

    def takedowns(self, **parameters: Unpack[TakedownsParameters]) -> TakedownList:
        """All that is taken down: since when, by whom, why. Needs the token."""
        return self._send(routes.TAKEDOWNS.call(parameters=parameters))

    def change(self, number: int) -> Everywhere:
        """Whether the change of this `number` holds in every worker by now. Needs the token."""
        return self._send(routes.CHANGE.call({"number": str(number)}))

    def put_rules(self, toml: str) -> RulesAccepted:
        """Put rules in force, the text of a rules file. Needs the token."""
        return self._send(routes.PUT_RULES.call(body={"toml": toml}))

    def releases(self) -> ReleaseList:
        """All releases, and the live one. Needs the token."""
        return self._send(routes.RELEASES.call())

    def activate(self, release_id: str, **parameters: Unpack[ActivateParameters]) -> Activated:
        """Make a release live. Needs the token."""
        return self._send(routes.ACTIVATE.call({"release_id": release_id}, parameters))

    def live(self) -> Live:
        """Whether the process runs."""
        return self._send(routes.LIVE.call())

    def ready(self) -> Ready:
        """Whether the service can answer, and from what; one that is not ready is an answer, too (`is_ready`)."""
        return self._send(routes.READY.call())

    def _send(self, call: Call[T]) -> T:
        exchange = Exchange(call, self._connection.retries, self._connection.timeout_s)
        while True:
            request = self._connection.request(call, exchange.begin())
            try:
                received = self._received(request, exchange)
            except httpx.TransportError as error:
                wait_s: float | None = exchange.failed(error)
            else:
                wait_s = exchange.came(received)
            if wait_s is None:
                return exchange.answer
            time.sleep(wait_s)

    def _received(self, request: httpx.Request, exchange: Exchange[T]) -> Received:
        response = self._http.send(request, stream=True)
        try:
            body = bytearray()
            for part in response.iter_bytes():
                body += part
                exchange.check_time()
        finally:
            response.close()
        return Received(response.status_code, response.headers, bytes(body))
