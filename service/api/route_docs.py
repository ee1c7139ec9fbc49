"""Failures on the OpenAPI page, the same for every route."""

from dataclasses import dataclass

from litestar.openapi.datastructures import ResponseSpec

from service.schemas.problems import KINDS, PROBLEM_JSON, RETRIED, Problem, Slug

HITS = "Hits in the order to be shown; `short_reason` says why there are fewer than `limit`"


# Of every route: a parameter that it does not know, a lease that has run out, a fault of ours.
_EVERYWHERE: tuple[Slug, ...] = ("invalid-request", "state-unavailable", "internal-error")


@dataclass
class ProblemSpec(ResponseSpec):
    """Problems of one status; `can_be_retried`: whether the answer may say when to try again."""

    can_be_retried: bool = False


def failures(*slugs: Slug) -> dict[int, ResponseSpec]:
    """The problems a route may answer with, by status, besides those of every route."""
    told: dict[int, list[Slug]] = {}
    for slug in dict.fromkeys((*slugs, *_EVERYWHERE)):
        told.setdefault(KINDS[slug][0], []).append(slug)
    return {
        status: ProblemSpec(
            Problem,
            description="; ".join(f"{KINDS[slug][1]} (`{slug}`)" for slug in some),
            media_type=PROBLEM_JSON,
            generate_examples=False,
            can_be_retried=not RETRIED.isdisjoint(some),
        )
        for status, some in told.items()
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
