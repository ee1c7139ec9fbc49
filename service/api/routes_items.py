"""`GET /v1/items/{id}` and `GET /v1/items/{id}/similar`."""

from typing import Annotated, get_args

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter, QueryParameter

from embedding.rows.languages import MAX_RANGE, RANGE_FORM
from embedding.rows.markets import MARKETS
from embedding.rows.schema import Kind
from embedding.rows.times import TIME_PATTERN
from service.api.item_paths import item_id as decoded
from service.api.route_docs import HITS, failures
from service.api.selection_parameters import listed
from service.loaded.loaded_release import LoadedRelease
from service.queries.item_view import ItemView, item_view
from service.queries.release_router import ReleaseRouter
from service.schemas.answers import Answer, JsonAnswer
from service.schemas.problems import ProblemError
from service.schemas.requests import MAX_CURSOR, MAX_LIMIT, MAX_TIME, Seed, SimilarRequest
from service.schemas.row_fields import ROW_FIELDS
from service.schemas.validation import converted, shown


def _commas(one: str) -> dict[str, str]:
    """The schema of a list written with commas; `one`: the pattern of an entry."""
    return {"pattern": f"^{one}(,{one})*$"}


ItemId = Annotated[str, PathParameter(description="The item's id, percent-encoded: `/` is `%2F`.")]
Market = Annotated[
    str | None,
    QueryParameter(
        description="ISO 3166-1 alpha-2; required unless the service has a default market.",
        schema_extra={"enum": sorted(MARKETS)},
    ),
]
Limit = Annotated[int, QueryParameter(ge=1, le=MAX_LIMIT, description="How many hits to give.")]
At = Annotated[
    str | None,
    QueryParameter(
        description="RFC 3339 or a bare date. Left out: now.",
        schema_extra={"pattern": TIME_PATTERN, "max_length": MAX_TIME},
    ),
]
Explicit = Annotated[bool | None, QueryParameter(description="false keeps explicit items out.")]
Languages = Annotated[
    str | None,
    QueryParameter(
        description="Language ranges with commas: `en,it`. Left out: all.",
        schema_extra=_commas(rf"(?![^,]{{{MAX_RANGE + 1}}}){RANGE_FORM}"),
    ),
]
Kinds = Annotated[
    str | None,
    QueryParameter(
        description="`track`, `episode` or both with a comma. Left out: both.",
        schema_extra=_commas(f"({'|'.join(get_args(Kind))})") | {"max_length": len(",".join(get_args(Kind)))},
    ),
]

CursorParameter = Annotated[
    str | None,
    QueryParameter(
        name="cursor",
        description="`next_cursor` of the page before; all but `limit` stays as it was.",
        schema_extra={"min_length": 1, "max_length": MAX_CURSOR},
    ),
]
_FIELD = f"({'|'.join(ROW_FIELDS)})"
ScoreThreshold = Annotated[float | None, QueryParameter(description="The least score that a hit has, before boosts.")]
FieldNames = Annotated[
    str | None,
    QueryParameter(
        name="fields",
        description="Which fields of a row come, with commas: `title,vector`. Empty: none.",
        schema_extra={"pattern": f"^({_FIELD}(,{_FIELD}){{0,{len(ROW_FIELDS) - 1}}})?$"},
    ),
]


def item_routes(router: ReleaseRouter) -> list[HTTPRouteHandler]:
    """The routes below one item."""

    @get(
        "/v1/items/{item_id:str}",
        summary="One catalogue row",
        tags=["items"],
        opt={"scope": "query"},
        response_description="The row",
        responses=failures("unknown-item", "invalid-request"),
    )
    async def get_item(item_id: ItemId) -> JsonAnswer[ItemView]:
        """All that the live release keeps of an item, whatever the rules say of it."""
        loaded = router.live_release
        payload = loaded.rows.payload(_row(loaded, decoded(item_id)))
        windows = loaded.release.classes.windows_of(payload.availability_class)
        return JsonAnswer(item_view(payload, windows, loaded.release.id, loaded.rows.revision))

    @get(
        "/v1/items/{item_id:str}/similar",
        summary="Items near one item",
        tags=["queries"],
        opt={"scope": "query"},
        response_description=HITS,
        responses=failures("unknown-item", "invalid-request", "cursor-mismatch", "cursor-expired", "store-unavailable"),
    )
    async def similar_to_item(
        item_id: ItemId,
        market: Market = None,
        limit: Limit = 10,
        at: At = None,
        explicit: Explicit = None,
        languages: Languages = None,
        kinds: Kinds = None,
        cursor: CursorParameter = None,
        score_threshold: ScoreThreshold = None,
        fields: FieldNames = None,
    ) -> JsonAnswer[Answer]:
        """The same as `POST /v1/similar` with this item as the only seed; the item itself never comes back."""
        seed = decoded(item_id)
        context = {"market": market, "at": at, "explicit": explicit, "languages": listed(languages)}
        given = {
            "seeds": [Seed(seed)],
            "context": {name: value for name, value in context.items() if value is not None},
            "limit": limit,
            "kinds": listed(kinds),
            "cursor": cursor,
            "score_threshold": score_threshold,
            "fields": [] if fields == "" else listed(fields),
        }
        query = converted(given, SimilarRequest, context_field="context.")
        # With a cursor this is the release that it was given for, whatever is live by now.
        pipeline = router.of(query)
        _row(pipeline.tools.loaded, seed)
        return JsonAnswer(await pipeline.answer(query, context_field=""))

    return [get_item, similar_to_item]


def _row(loaded: LoadedRelease, item_id: str) -> int:
    row = loaded.rows.find(item_id)
    if row < 0:
        raise ProblemError(
            "unknown-item",
            f"Release {loaded.release.id} has no item with the id {shown(item_id)}. "
            "Ids are compared as they are, upper and lower case apart.",
        )
    return row
