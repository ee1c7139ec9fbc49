"""`POST /v1/items/{id}/why`: why an item came, or did not."""

from litestar import post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, SkipValidation

from service.answers import JsonAnswer
from service.desk import Desk
from service.item_paths import item_id as decoded
from service.problems import invalid
from service.query_request import QueryRequest
from service.route_docs import BODY_FAILURES, failures
from service.routes_items import ItemId
from service.why import WhyAnswer, WhyRequest


def why_routes(desk: Desk) -> list[HTTPRouteHandler]:
    """The route; the query in its body is answered as its own route would, but for what comes out."""

    @post(
        "/v1/items/{item_id:str}/why",
        status_code=200,
        summary="Why an item came, or did not",
        tags=["queries"],
        opt={"scope": "query"},
        response_description="What each rule says of it, and what became of it in this list",
        request_class=QueryRequest,
        responses=failures(
            "unknown-item", "unknown-release", "release-not-loaded", "unknown-seeds", "weights-cancel", *BODY_FAILURES
        ),
    )
    async def why(item_id: ItemId, data: JSONBody[SkipValidation[WhyRequest]]) -> JsonAnswer[WhyAnswer]:
        """For one query, `{"similar": …}`, `{"recommend": …}` or `{"search": …}`, as in a batch."""
        given = [query for query in (data.similar, data.recommend, data.search) if query is not None]
        if len(given) != 1:
            raise invalid("query", "exactly one of similar, recommend, search", f"{len(given)} of them")
        query = given[0]
        if query.cursor is not None:
            raise invalid("cursor", "no cursor: places are counted from the first page")
        return JsonAnswer(await desk.of(query).why(decoded(item_id), query))

    return [why]
