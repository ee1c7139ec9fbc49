"""Problems: every failure as one RFC 9457 object; a new problem type is a line here.

Every kind of failure has one line in `KINDS` and one in docs/api.md.
"""

from collections.abc import Mapping
from typing import Literal

from litestar.response import Response
from msgspec import Struct

PROBLEM_JSON = "application/problem+json"

Slug = Literal[
    "invalid-request",
    "cursor-mismatch",
    "cursor-expired",
    "malformed-json",
    "unknown-seeds",
    "weights-cancel",
    "forbidden",
    "unknown-item",
    "unknown-release",
    "unknown-change",
    "unknown-route",
    "method-not-allowed",
    "release-not-loaded",
    "release-without-text",
    "release-without-queries",
    "release-without-field",
    "release-refused",
    "body-too-large",
    "body-too-slow",
    "too-many-bodies",
    "no-room",
    "unsupported-media-type",
    "internal-error",
    "store-read-only",
    "store-unavailable",
    "state-unavailable",
    "encoder-loading",
    "encoder-absent",
    "suggestions-loading",
]

KINDS: dict[Slug, tuple[int, str]] = {
    "invalid-request": (400, "The request is not valid"),
    "malformed-json": (400, "The body is not JSON"),
    "cursor-mismatch": (400, "The cursor is not one for this request"),
    "unknown-seeds": (400, "A seed is not in the catalogue"),
    "weights-cancel": (400, "The weights leave no direction to search in"),
    "forbidden": (403, "This needs the admin token"),
    "store-read-only": (403, "The vector store lets this service only read"),
    "unknown-item": (404, "No such item"),
    "unknown-release": (404, "No such release"),
    "unknown-change": (404, "No such change"),
    "unknown-route": (404, "No such address"),
    "method-not-allowed": (405, "This address does not take that method"),
    "release-not-loaded": (409, "This worker does not hold that release"),
    "release-without-text": (409, "That release has no text vectors"),
    "release-without-queries": (409, "That release's model has learnt no text queries"),
    "release-without-field": (409, "That release cannot be filtered by that field"),
    "release-refused": (409, "The release cannot go live"),
    "cursor-expired": (410, "The cursor no longer holds"),
    "body-too-slow": (408, "The body did not come in time"),
    "body-too-large": (413, "The body is too large"),
    "unsupported-media-type": (415, "The body is not declared as JSON, plain or in gzip"),
    "too-many-bodies": (429, "Too many bodies of one client are on their way"),
    "internal-error": (500, "Nearfield failed"),
    "store-unavailable": (503, "The vector store did not answer"),
    "state-unavailable": (503, "What changes cannot be told or kept now"),
    "no-room": (503, "The connection is needed for others"),
    "encoder-loading": (503, "The text encoder is still loading"),
    "encoder-absent": (503, "There is no text encoder"),
    "suggestions-loading": (503, "The names that are suggested are still being read"),
}

# Those that say when to try again.
RETRIED: frozenset[Slug] = frozenset({"store-unavailable", "state-unavailable", "encoder-loading"})


class FieldError(Struct, frozen=True, omit_defaults=True):
    """One thing wrong with one field or parameter; `came` is shortened, and left out where nothing came."""

    field: str
    expected: str
    came: str | None = None


class Problem(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An RFC 9457 problem; `incident` is the number under which the service's log tells more."""

    type: str
    title: str
    status: int
    detail: str
    errors: tuple[FieldError, ...] = ()
    incident: str | None = None


class ProblemError(Exception):
    """Raised anywhere below a route to answer with a problem of this kind."""

    def __init__(
        self,
        slug: Slug,
        detail: str,
        errors: tuple[FieldError, ...] = (),
        headers: Mapping[str, str] | None = None,
        incident: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.slug = slug
        self.headers = dict(headers or {})
        status, title = KINDS[slug]
        self.problem = Problem(
            type=problem_type(slug), title=title, status=status, detail=detail, errors=errors, incident=incident
        )

    def response(self) -> Response[Problem]:
        """The problem as an HTTP answer."""
        return Response(self.problem, status_code=self.problem.status, media_type=PROBLEM_JSON, headers=self.headers)


def problem_type(slug: Slug) -> str:
    """The URI that names a kind of problem."""
    return f"urn:nearfield:problem:{slug}"


def invalid(field: str, expected: str, came: str | None = None) -> ProblemError:
    """A problem with one field or parameter."""
    return invalid_fields((FieldError(field, expected, came),))


def invalid_fields(errors: tuple[FieldError, ...]) -> ProblemError:
    """A problem with one or more fields or parameters, told in the detail as well."""
    told = "; ".join(
        f"{error.field}: expected {error.expected}" + ("" if error.came is None else f", came {error.came}")
        for error in errors
    )
    return ProblemError("invalid-request", told, errors)
