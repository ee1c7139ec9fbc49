"""Failures on the OpenAPI page, the same for every route."""

from litestar.openapi.datastructures import ResponseSpec

from service.schemas.problems import KINDS, PROBLEM_JSON, Problem, Slug

HITS = "Hits in the order to be shown; `short_reason` says why there are fewer than `limit`"


def failures(*slugs: Slug) -> dict[int, ResponseSpec]:
    """The problems a route may answer with, by status; every route may fail inside."""
    told: dict[int, list[str]] = {}
    for slug in (*slugs, "internal-error"):
        status, title = KINDS[slug]
        told.setdefault(status, []).append(f"{title} (`{slug}`)")
    return {
        status: ResponseSpec(Problem, description="; ".join(titles), media_type=PROBLEM_JSON, generate_examples=False)
        for status, titles in told.items()
    }


BODY_FAILURES: tuple[Slug, ...] = (
    "invalid-request",
    "malformed-json",
    "body-too-slow",
    "body-too-large",
    "unsupported-media-type",
    "too-many-bodies",
    "no-room",
    "store-unavailable",
)
