"""`GET /v1/releases` and `POST /v1/releases/{id}/activate`, with the admin token."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter, QueryParameter
from litestar.types import Guard
from msgspec import Struct

from indexing.errors import ReleaseMissingError
from indexing.release.manifest import Manifest
from indexing.releases.releases import Author, Releases
from service.api.auth import TOKEN_NAME
from service.api.parameters import Why
from service.api.route_docs import failures
from service.schemas.answers import JsonAnswer
from service.schemas.problems import ProblemError

ReleaseId = Annotated[str, PathParameter(description="The release's id, as `GET /v1/releases` shows it.")]
Widen = Annotated[bool, QueryParameter(description="Go back even where rows would be open wider than they are now.")]

# Makes a release live in a process of its own, wider where that is said; the reason, for a person, when it could not.
Activate = Callable[[str, bool, Author], Awaitable[str | None]]


class ReleaseList(Struct, frozen=True):
    """All finished releases, oldest first, and the live one."""

    live: str
    releases: tuple[Manifest, ...]


class Activated(Struct, frozen=True):
    """The release is live; the workers take it up within seconds, without failing a request."""

    live: str


def release_routes(releases: Releases, activate: Activate, guard: Guard) -> list[HTTPRouteHandler]:
    """The routes for releases."""

    @get(
        "/v1/releases",
        summary="All releases",
        tags=["releases"],
        opt={"scope": "admin"},
        guards=[guard],
        response_description="Manifests, oldest first",
        responses=failures("forbidden", "store-unavailable"),
    )
    async def list_releases() -> JsonAnswer[ReleaseList]:
        """Each with its counts, hashes and the gate's report."""
        return JsonAnswer(ReleaseList(await releases.live_id(), tuple(releases.manifests())))

    @post(
        "/v1/releases/{release_id:str}/activate",
        status_code=200,
        summary="Make a release live",
        tags=["releases"],
        opt={"scope": "admin"},
        guards=[guard],
        response_description="It is live",
        responses=failures("forbidden", "unknown-release", "release-refused", "invalid-request"),
    )
    async def activate_release(release_id: ReleaseId, widen: Widen = False, why: Why = "") -> JsonAnswer[Activated]:
        """Every byte is checked first; an older release that would open rows wider needs `widen=true`."""
        try:
            releases.open(release_id)
        except ReleaseMissingError as error:
            raise ProblemError("unknown-release", str(error)) from error
        refused = await activate(release_id, widen, Author(TOKEN_NAME, why))
        if refused is not None:
            raise ProblemError("release-refused", refused)
        return JsonAnswer(Activated(release_id))

    return [list_releases, activate_release]
