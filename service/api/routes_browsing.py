"""What is shown without a ranking: `POST /v1/facets`, `GET /v1/suggest`, `GET /v1/items`."""

from typing import Annotated, Any

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, QueryParameter, SkipValidation

from service.api.request_body import BodyRequest
from service.api.route_docs import BODY_FAILURES, failures
from service.api.routes_items import At, CursorParameter, Explicit, FieldNames, Kinds, Languages, Market
from service.api.selection_parameters import (
    Age,
    BlockedCreators,
    BlockedItems,
    Exclude,
    FilterText,
    ReleaseName,
    SwitchesText,
    given,
    listed,
    selection_values,
)
from service.queries.release_router import ReleaseRouter
from service.schemas.answers import JsonAnswer
from service.schemas.browsing import (
    MAX_LISTED,
    FacetsAnswer,
    FacetsRequest,
    ItemsAnswer,
    ItemsRequest,
    Order,
    SuggestAnswer,
    SuggestRequest,
)
from service.schemas.problems import Slug
from service.schemas.requests import MAX_LIMIT, Selection
from service.schemas.validation import converted

Typed = Annotated[
    str,
    QueryParameter(name="q", min_length=1, max_length=200, description="What was typed so far."),
]
NumSuggestions = Annotated[int, QueryParameter(name="limit", ge=1, le=MAX_LIMIT, description="How many to give.")]
NumItems = Annotated[int, QueryParameter(name="limit", ge=1, le=MAX_LISTED, description="How many items to give.")]
OrderName = Annotated[
    Order,
    QueryParameter(name="order", description="As in the catalogue (`row`), the newest or the most popular first."),
]
_RELEASE_FAILURES: tuple[Slug, ...] = ("unknown-release", "release-not-loaded", "release-without-field")
_GET_FAILURES: tuple[Slug, ...] = ("invalid-request", *_RELEASE_FAILURES)


def browsing_routes(router: ReleaseRouter) -> list[HTTPRouteHandler]:
    """The routes; each takes the whole context of a query."""

    async def browsed(query: Selection, context_field: str) -> Any:
        return await router.of(query).browse(query, context_field=context_field)

    @post(
        "/v1/facets",
        status_code=200,
        summary="Counts by kind, language, tag and creator",
        tags=["browsing"],
        opt={"scope": "query"},
        response_description="How many items may be shown, and how many of them have each value",
        request_class=BodyRequest,
        responses=failures(*_RELEASE_FAILURES, *BODY_FAILURES),
    )
    async def facets(data: JSONBody[SkipValidation[FacetsRequest]]) -> JsonAnswer[FacetsAnswer]:
        """Exact, of all that the rules and the request let pass."""
        return JsonAnswer(await browsed(data, "context."))

    @get(
        "/v1/suggest",
        summary="Titles and names by what was typed so far",
        tags=["browsing"],
        opt={"scope": "query"},
        response_description="Suggestions, best first",
        responses=failures("suggestions-loading", *_GET_FAILURES),
    )
    async def suggest(
        q: Typed,
        market: Market = None,
        limit: NumSuggestions = 10,
        at: At = None,
        explicit: Explicit = None,
        languages: Languages = None,
        kinds: Kinds = None,
        age: Age = None,
        blocked_items: BlockedItems = None,
        blocked_creators: BlockedCreators = None,
        exclude: Exclude = None,
        filter_text: FilterText = None,
        switches: SwitchesText = None,
        release: ReleaseName = None,
    ) -> JsonAnswer[SuggestAnswer]:
        """Every word but the last is a whole word of the title or name, the last one begins one; one typing error is
        forgiven where fewer than `limit` match without."""
        values = selection_values(
            market=market,
            at=at,
            explicit=explicit,
            languages=languages,
            kinds=kinds,
            age=age,
            blocked_items=blocked_items,
            blocked_creators=blocked_creators,
            exclude=exclude,
            filter_text=filter_text,
            switches=switches,
            release=release,
        )
        query = converted(values | {"q": q, "limit": limit}, SuggestRequest, context_field="context.")
        return JsonAnswer(await browsed(query, ""))

    @get(
        "/v1/items",
        summary="All items that may be shown",
        tags=["browsing"],
        opt={"scope": "query"},
        response_description="Items in the order asked for",
        responses=failures("cursor-mismatch", "cursor-expired", *_GET_FAILURES),
    )
    async def list_items(
        market: Market = None,
        limit: NumItems = 100,
        order: OrderName = "row",
        at: At = None,
        explicit: Explicit = None,
        languages: Languages = None,
        kinds: Kinds = None,
        age: Age = None,
        blocked_items: BlockedItems = None,
        blocked_creators: BlockedCreators = None,
        exclude: Exclude = None,
        filter_text: FilterText = None,
        switches: SwitchesText = None,
        release: ReleaseName = None,
        cursor: CursorParameter = None,
        fields: FieldNames = None,
    ) -> JsonAnswer[ItemsAnswer]:
        """Page by page, each of up to 1,000: every item once, whatever changes meanwhile in the order `row`."""
        values = selection_values(
            market=market,
            at=at,
            explicit=explicit,
            languages=languages,
            kinds=kinds,
            age=age,
            blocked_items=blocked_items,
            blocked_creators=blocked_creators,
            exclude=exclude,
            filter_text=filter_text,
            switches=switches,
            release=release,
        )
        more = given({"cursor": cursor, "fields": [] if fields == "" else listed(fields)}) | {
            "limit": limit,
            "order": order,
        }
        query = converted(values | more, ItemsRequest, context_field="context.")
        return JsonAnswer(await browsed(query, ""))

    return [facets, suggest, list_items]
