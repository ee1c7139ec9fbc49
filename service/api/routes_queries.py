"""The query routes that take a body: similar, recommend, search, and many of them in one."""

from functools import partial

from litestar import post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, SkipValidation

from service.api.batch import Batch, BatchAnswer, BatchRequest
from service.api.problem_handlers import problem_of
from service.api.request_body import BodyRequest
from service.api.route_docs import BODY_FAILURES, HITS, failures
from service.queries.release_router import ReleaseRouter
from service.schemas.answers import Answer, JsonAnswer
from service.schemas.problems import Slug
from service.schemas.requests import RecommendRequest, SearchRequest, SimilarRequest

_QUERY_FAILURES: tuple[Slug, ...] = (
    "unknown-release",
    "release-not-loaded",
    "cursor-mismatch",
    "cursor-expired",
    *BODY_FAILURES,
)


def query_routes(desk: ReleaseRouter) -> list[HTTPRouteHandler]:
    """The POST routes; each ends in the same retrieval, under the same rules."""
    batches = Batch(desk)

    @post(
        "/v1/similar",
        status_code=200,
        summary="Items near weighted seeds",
        tags=["queries"],
        opt={"scope": "query"},
        response_description=HITS,
        request_class=BodyRequest,
        responses=failures("unknown-seeds", "weights-cancel", *_QUERY_FAILURES),
    )
    async def similar(data: JSONBody[SkipValidation[SimilarRequest]]) -> JsonAnswer[Answer]:
        """Up to 100 seeds, tracks and episodes mixed; a negative weight pushes away. Seeds never come back."""
        return JsonAnswer(await desk.of(data).similar(data))

    @post(
        "/v1/recommend",
        status_code=200,
        summary="Items for a listener",
        tags=["queries"],
        opt={"scope": "query"},
        response_description=HITS,
        request_class=BodyRequest,
        responses=failures("unknown-seeds", *_QUERY_FAILURES),
    )
    async def recommend(data: JSONBody[SkipValidation[RecommendRequest]]) -> JsonAnswer[Answer]:
        """For a known `user_id`, for a posted `history` of someone never seen, or for both. For someone of whom nothing
        is known: what is popular where they are, then what is fresh; each hit then says so as its `source`."""
        return JsonAnswer(await desk.of(data).recommend(data))

    @post(
        "/v1/search",
        status_code=200,
        summary="Items that match a text",
        tags=["queries"],
        opt={"scope": "query"},
        response_description=HITS,
        request_class=BodyRequest,
        responses=failures(
            "encoder-loading",
            "encoder-absent",
            "release-without-text",
            "release-without-queries",
            *_QUERY_FAILURES,
        ),
    )
    async def search(data: JSONBody[SkipValidation[SearchRequest]]) -> JsonAnswer[Answer]:
        """By words (BM25) and by meaning (the text encoder's vectors) of titles, creators, albums, tags and texts.

        Items of just that title come first, then those of a creator of that name. In the mode `tower` by what listeners
        hear together, where the release's model has learnt text queries.
        """
        return JsonAnswer(await desk.of(data).search(data))

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

    return [similar, recommend, search, batch]
