"""`POST /v1/items/{id}/why`: why an item came, or did not."""

from litestar import post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, SkipValidation

from service.api.item_paths import item_id as decoded
from service.api.request_body import BodyRequest
from service.api.route_docs import BODY_FAILURES, failures
from service.api.routes_items import ItemId
from service.queries.release_router import ReleaseRouter
from service.queries.why import WhyAnswer, WhyRequest
from service.schemas.answers import JsonAnswer
from service.schemas.problems import invalid


def why_routes(desk: ReleaseRouter) -> list[HTTPRouteHandler]:
    """The route; the query in its body is answered as its own route would, but for what comes out."""

    @post(
        "/v1/items/{item_id:str}/why",
        status_code=200,
        summary="Why an item came, or did not",
        tags=["queries"],
        opt={"scope": "query"},
        response_description="What each rule says of it, and what became of it in this list",
        request_class=BodyRequest,
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
