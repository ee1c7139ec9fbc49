"""The routes that change what is shown: put and remove rows, take down and lift, with the admin token."""

from typing import Annotated, TypeVar

from litestar import delete, get, put
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody, PathParameter, QueryParameter, SkipValidation
from litestar.types import Guard

from indexing.releases.releases import Author
from service.api.auth import TOKEN_NAME
from service.api.departure import Departure
from service.api.item_paths import item_id as decoded
from service.api.parameters import Why
from service.api.request_body import BodyRequest
from service.api.route_docs import BODY_FAILURES, failures
from service.api.routes_items import ItemId
from service.changes.changes import Accepted, Changed, Changes, Everywhere, Hidden, PutRows, RulesText, TakedownList
from service.schemas.answers import JsonAnswer

_HOLDS = "Durable, and true for every worker from the next request on"
_NOT_YET = "Durable, and true for all workers but those named in `waiting_for`, for some time"
C = TypeVar("C", Changed, Hidden, Accepted)
Ahead = Annotated[bool, QueryParameter(description="Also an id that nothing is known of: hidden as soon as it comes.")]
Takedowns = Annotated[int, QueryParameter(ge=1, le=1_000, description="How many to give.")]
TakedownsCursor = Annotated[
    str | None, QueryParameter(name="cursor", description="`next_cursor` of the page before; left out: the first page.")
]
ChangeNumber = Annotated[int, PathParameter(description="The number that a change was answered with.")]


class RowsRequest(BodyRequest):
    """A body of up to 100 catalogue rows, descriptions and transcripts included."""

    max_bytes = 32_000_000


def change_routes(changes: Changes, guard: Guard) -> list[HTTPRouteHandler]:
    """The routes that write to the journal."""

    @put(
        "/v1/items",
        summary="Put catalogue rows",
        tags=["changes"],
        opt={"scope": "write"},
        guards=[guard],
        response_description=_HOLDS,
        request_class=RowsRequest,
        responses=_not_yet(Changed)
        | failures("forbidden", "encoder-absent", "encoder-loading", "state-unavailable", *BODY_FAILURES),
    )
    async def put_items(request: RowsRequest, data: JSONBody[SkipValidation[PutRows]]) -> JsonAnswer[Changed]:
        """Up to 100 whole rows, all or none; found by every query as of the answer."""
        async with Departure(request.receive) as client:
            return _acknowledged(await changes.put(data, client.gone))

    @delete(
        "/v1/items/{item_id:str}",
        status_code=200,
        summary="Remove a catalogue row",
        tags=["changes"],
        opt={"scope": "write"},
        guards=[guard],
        response_description=_HOLDS,
        responses=_not_yet(Changed) | failures("forbidden", "unknown-item", "invalid-request", "state-unavailable"),
    )
    async def delete_item(item_id: ItemId) -> JsonAnswer[Changed]:
        """The next build has the row again if its catalogue does; to hide it for good, take it down."""
        return _acknowledged(await changes.remove(decoded(item_id)))

    @put(
        "/v1/items/{item_id:str}/takedown",
        summary="Take an item down",
        tags=["changes"],
        opt={"scope": "write"},
        guards=[guard],
        response_description=_HOLDS,
        responses=_not_yet(Hidden) | failures("forbidden", "unknown-item", "invalid-request", "state-unavailable"),
    )
    async def take_down_item(item_id: ItemId, ahead: Ahead = False, why: Why = "") -> JsonAnswer[Hidden]:
        """Hidden on every release, past and future, until lifted; an id that nothing is known of needs `ahead=true`."""
        return _acknowledged(await changes.take_down(decoded(item_id), Author(TOKEN_NAME, why), ahead=ahead))

    @delete(
        "/v1/items/{item_id:str}/takedown",
        status_code=200,
        summary="Lift a takedown",
        tags=["changes"],
        opt={"scope": "write"},
        guards=[guard],
        response_description=_HOLDS,
        responses=_not_yet(Hidden) | failures("forbidden", "invalid-request", "state-unavailable"),
    )
    async def lift_takedown(item_id: ItemId, why: Why = "") -> JsonAnswer[Hidden]:
        """Shown again from the next request on, as far as the rules let it."""
        return _acknowledged(await changes.lift(decoded(item_id), Author(TOKEN_NAME, why)))

    @get(
        "/v1/takedowns",
        summary="All that is taken down",
        tags=["changes"],
        opt={"scope": "admin"},
        guards=[guard],
        response_description="Takedowns, oldest first",
        responses=failures("forbidden", "invalid-request", "state-unavailable"),
    )
    async def list_takedowns(limit: Takedowns = 100, cursor: TakedownsCursor = None) -> JsonAnswer[TakedownList]:
        """Since when and which release, by whom, and why."""
        return JsonAnswer(changes.takedowns(limit, cursor))

    @get(
        "/v1/changes/{number:int}",
        summary="Does a change hold everywhere?",
        tags=["changes"],
        opt={"scope": "write"},
        guards=[guard],
        response_description="Whether it does, or which workers are waited for",
        responses=failures("forbidden", "unknown-change", "invalid-request", "state-unavailable"),
    )
    async def get_change(number: ChangeNumber) -> JsonAnswer[Everywhere]:
        """Of a change that was answered with 202: whether every worker that may answer has applied it by now."""
        return JsonAnswer(await changes.everywhere(number))

    @put(
        "/v1/rules",
        summary="Put rules in force",
        tags=["changes"],
        opt={"scope": "admin"},
        guards=[guard],
        response_description=_HOLDS,
        request_class=BodyRequest,
        responses=_not_yet(Accepted) | failures("forbidden", "state-unavailable", *BODY_FAILURES),
    )
    async def put_rules(data: JSONBody[SkipValidation[RulesText]]) -> JsonAnswer[Accepted]:
        """On every release and every host; rules that cannot be taken change nothing."""
        return _acknowledged(await changes.accept_rules(data, TOKEN_NAME))

    return [put_items, delete_item, take_down_item, lift_takedown, list_takedowns, get_change, put_rules]


def _not_yet(answer: type[Changed] | type[Hidden] | type[Accepted]) -> dict[int, ResponseSpec]:
    return {202: ResponseSpec(answer, description=_NOT_YET, generate_examples=False)}


def _acknowledged(done: C) -> JsonAnswer[C]:
    """200 where it holds everywhere, else 202."""
    return JsonAnswer(done, status=202 if done.waiting_for else 200)
