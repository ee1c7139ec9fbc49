"""Whether this process can answer, and what it answers from: for load balancers, and for a person at 3 a.m."""

from typing import Any, Literal

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from msgspec import Struct

from embedding.errors import NearfieldError
from indexing.release.manifest import Counts
from indexing.state.proposal import refused_rules
from indexing.stores.answer_budget import AnswerBudget
from indexing.stores.contract import VectorStore
from service.api.parameters import refuse_unknown_parameters
from service.api.route_docs import failures
from service.changes.following import Following
from service.queries.release_router import ReleaseRouter
from service.ranking.encoder_gate import EncoderGate, EncoderState
from service.schemas import hand_over_refusal
from service.schemas.answers import JsonAnswer
from service.schemas.settings import Settings


class Live(Struct, frozen=True):
    """The process runs its event loop; nothing more is promised."""

    status: str = "live"


class Ready(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is served here. `reason` says why not ready; `live_release` is told when it is another one than served."""

    status: str
    release: str
    rules_version: str
    encoder: EncoderState
    space: str
    counts: Counts
    # Hits that the engine gave and the re-check stopped, since this process began; anything but 0 needs a look.
    leaks: int
    # Releases that a query may name.
    held: tuple[str, ...]
    # Shapes of requests that the doctor never measured; many of them, or slow answers: `nearfield index doctor`.
    unmeasured_shapes: int
    # Whether the engine answers; without it, queries are answered from the columns as far as that is done in time.
    engine: Literal["ready", "away"]
    engine_reason: str | None = None
    reason: str | None = None
    encoder_reason: str | None = None
    live_release: str | None = None
    # Why fresh workers could not take up the live release.
    hand_over_refused: str | None = None
    # Why the rules file as it stands, or what was accepted of it, is not in force.
    rules_refused: str | None = None


def health_routes(
    follower: Following, store: VectorStore, encoder: EncoderGate, router: ReleaseRouter, settings: Settings
) -> list[HTTPRouteHandler]:
    """`/health/live` and `/health/ready`."""

    async def at_once(request: Request[Any, Any, Any]) -> None:
        # Whatever other routes wait for.
        await refuse_unknown_parameters(request)

    async def as_it_is(response: Response[Any]) -> Response[Any]:
        return response

    @get(
        "/health/live",
        summary="Does the process run?",
        tags=["health"],
        opt={"scope": "health"},
        before_request=at_once,
        after_request=as_it_is,
        response_description="It runs",
        responses=failures(),
    )
    async def health_live() -> JsonAnswer[Live]:
        """200 as long as the process runs its event loop."""
        return JsonAnswer(Live())

    @get(
        "/health/ready",
        summary="Can it answer, and from what?",
        tags=["health"],
        opt={"scope": "health"},
        before_request=at_once,
        after_request=as_it_is,
        response_description="Ready, and what is served",
        responses=failures()
        | {503: ResponseSpec(Ready, description="Not ready; `reason` says why", generate_examples=False)},
    )
    async def health_ready() -> JsonAnswer[Ready]:
        """200 when queries can be answered, else 503 and a reason. A text encoder that still loads is no reason, nor is
        an engine that is away."""
        release = router.live_release.release
        reason, pointer = None, None
        with AnswerBudget(settings.query_timeout_s):
            engine_reason = await store.trouble()
        try:
            await follower.arrive()
            pointer = await follower.live()
        except NearfieldError as error:
            reason = str(error)
        answer = Ready(
            status="ready" if reason is None else "not ready",
            release=release.id,
            rules_version=router.rules_version,
            encoder=encoder.state,
            space=release.space,
            counts=release.manifest.counts,
            leaks=router.leaks,
            held=router.held,
            unmeasured_shapes=router.unmeasured_shapes,
            engine="ready" if engine_reason is None else "away",
            engine_reason=engine_reason,
            reason=reason,
            encoder_reason=encoder.reason,
            hand_over_refused=hand_over_refusal.current(),
            rules_refused=router.rules_trouble or refused_rules(settings.data_dir / "rules"),
            live_release=None if pointer in (None, release.id) else pointer,
        )
        return JsonAnswer(answer, status=200 if reason is None else 503)

    return [health_live, health_ready]
