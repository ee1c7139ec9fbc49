"""`POST /v1/items/{id}/why`: why an item came, or did not."""

from typing import TYPE_CHECKING, Any

import msgspec
from litestar import post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, SkipValidation

from service.api.item_paths import item_id as decoded
from service.api.request_body import BodyRequest
from service.api.route_docs import BODY_FAILURES, failures
from service.api.routes_items import ItemId
from service.queries.query_kinds import KINDS, QUERY_KINDS
from service.queries.release_router import ReleaseRouter
from service.queries.why import WhyAnswer
from service.schemas.answers import JsonAnswer
from service.schemas.problems import invalid

if TYPE_CHECKING:
    OneQuery = Any
else:
    OneQuery = msgspec.defstruct(
        "OneQuery",
        [(kind.name, kind.request | msgspec.UnsetType, msgspec.UNSET) for kind in KINDS],
        namespace={"__doc__": "One query, the body of its route under the route's name."},
        module=__name__,
        frozen=True,
        forbid_unknown_fields=True,
        kw_only=True,
    )


def why_routes(router: ReleaseRouter) -> list[HTTPRouteHandler]:
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
    async def why(item_id: ItemId, data: JSONBody[SkipValidation[OneQuery]]) -> JsonAnswer[WhyAnswer]:
        """For one query, `{"similar": …}`, `{"recommend": …}` or `{"search": …}`, as in a batch."""
        given = [query for name in QUERY_KINDS.names if (query := getattr(data, name)) is not msgspec.UNSET]
        if len(given) != 1:
            raise invalid("query", f"exactly one of {', '.join(QUERY_KINDS.names)}", f"{len(given)} of them")
        query = given[0]
        if query.cursor is not None:
            raise invalid("cursor", "no cursor: places are counted from the first page")
        return JsonAnswer(await router.of(query).why(decoded(item_id), query))

    return [why]
