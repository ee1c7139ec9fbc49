"""The query routes that take a body: one for each kind of query, and one for many of them in one call."""

from functools import partial
from typing import Any, cast

from litestar import post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, SkipValidation

from service.api.batch import Batch, BatchAnswer, BatchRequest
from service.api.problem_handlers import problem_of
from service.api.request_body import BodyRequest
from service.api.route_docs import BODY_FAILURES, HITS, failures
from service.queries.query_kinds import KINDS, QueryKind
from service.queries.release_router import ReleaseRouter
from service.schemas.answers import Answer, JsonAnswer
from service.schemas.problems import Slug

_QUERY_FAILURES: tuple[Slug, ...] = (
    "unknown-release",
    "release-not-loaded",
    "cursor-mismatch",
    "cursor-expired",
    *BODY_FAILURES,
)


def query_routes(router: ReleaseRouter) -> list[HTTPRouteHandler]:
    """A POST route for each kind of query, and one for many of them; each goes through the same pipeline."""
    batches = Batch(router)

    @post(
        "/v1/batch",
        status_code=200,
        summary="Many queries in one call",
        tags=["queries"],
        opt={"scope": "query"},
        response_description="An outcome for each query, in their order",
        request_class=BodyRequest,
        responses=failures(*BODY_FAILURES),
    )
    async def batch(request: BodyRequest, data: JSONBody[SkipValidation[BatchRequest]]) -> JsonAnswer[BatchAnswer]:
        """Up to 50 queries, each with its own answer or problem: one that fails stops no other."""
        return JsonAnswer(await batches.answer(data, partial(problem_of, request)))

    return [*(_route(kind, router) for kind in KINDS), batch]


def _route(kind: QueryKind, router: ReleaseRouter) -> HTTPRouteHandler:
    async def handler(data: Any) -> JsonAnswer[Answer]:
        return JsonAnswer(await router.of(data).answer(data))

    handler.__name__, handler.__doc__ = kind.name, kind.description
    # The body's type is the kind's; litestar reads it when the route is made.
    handler.__annotations__["data"] = cast("Any", JSONBody)[cast("Any", SkipValidation)[kind.request]]
    return post(
        f"/v1/{kind.name}",
        status_code=200,
        summary=kind.summary,
        tags=["queries"],
        opt={"scope": "query"},
        response_description=HITS,
        request_class=BodyRequest,
        responses=failures(*kind.problems, *_QUERY_FAILURES),
    )(handler)
