"""The ASGI application: routes, lifespan and exception handlers over the dependencies that it is handed."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, cast

from litestar import Litestar
from litestar.connection import Request
from litestar.enums import ScopeType
from litestar.response import Response
from litestar.types import HTTPScope, LifeSpanReceive, LifeSpanScope, LifeSpanSend, Receive, Scope, Send
from litestar.types.internal_types import RouteHandlerMapItem

from embedding.errors import NearfieldError
from indexing.errors import EngineAwayError, StateError
from service.api.auth import admin_guard
from service.api.entrance import Entrance
from service.api.health import health_routes
from service.api.openapi.document import Document
from service.api.openapi.page import openapi_config, page_asset, to_the_page
from service.api.parameters import refuse_unknown_parameters
from service.api.problem_handlers import PROBLEM_HANDLERS
from service.api.routes_browsing import browsing_routes
from service.api.routes_changes import change_routes
from service.api.routes_items import item_routes
from service.api.routes_queries import query_routes
from service.api.routes_releases import release_routes
from service.api.routes_why import why_routes
from service.changes.changes import Changes
from service.changes.compactor import Compactor
from service.dependencies import Dependencies
from service.loaded.loaded_release import LoadedRelease
from service.queries.context import ContextDefaults
from service.queries.pipeline import Pipeline
from service.queries.release_router import ReleaseRouter
from service.queries.stage_tools import StageTools

_log = logging.getLogger("nearfield.service")


class Nearfield(Litestar):
    """Litestar behind an entrance of our own (service/api/entrance.py), and a refused start keeps its reason."""

    check: Callable[[], Awaitable[None]]
    entrance: Entrance

    @property
    def route_handler_method_map(self) -> dict[str, RouteHandlerMapItem]:
        """Without OPTIONS: an address would keep the answer to it of its first handler, which knows of no other."""
        found = super().route_handler_method_map
        for handlers in found.values():
            handlers.pop("OPTIONS", None)
        return found

    async def __call__(
        self,
        scope: Scope | LifeSpanScope,
        receive: Receive | LifeSpanReceive,
        send: Send | LifeSpanSend,
    ) -> None:
        """The ASGI entry point."""
        if scope["type"] != ScopeType.HTTP:
            await super().__call__(scope, receive, send)
            return
        entered = await self.entrance.enter(cast("HTTPScope", scope), cast("Send", send))
        if entered is not None:
            await super().__call__(scope, receive, entered)

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None, None]:
        """Start-up and shutdown, with the check before both: a start-up hook's error comes out as an ExceptionGroup."""
        await self.check()
        async with super().lifespan():
            yield


def open_pipeline(dependencies: Dependencies, loaded: LoadedRelease) -> Pipeline:
    """The pipeline of one release that this worker holds."""
    defaults = ContextDefaults(
        dependencies.settings.default_market, dependencies.settings.default_explicit, dependencies.now
    )
    encoder = dependencies.other_encoders.get(loaded.release.manifest.encoder_hash or "", dependencies.encoder)
    return Pipeline(
        StageTools(loaded, dependencies.store, encoder, dependencies.cursors, defaults),
        None if dependencies.settings.qdrant_url is None else dependencies.settings.query_timeout_s,
    )


def open_router(dependencies: Dependencies) -> ReleaseRouter:
    """The pipelines of every release that this worker holds."""
    return ReleaseRouter(
        dependencies.live,
        dependencies.held,
        make_pipeline=partial(open_pipeline, dependencies),
        releases=dependencies.releases,
        cursors=dependencies.cursors,
    )


def create_app(dependencies: Dependencies) -> Litestar:
    """The application. Start-up is refused (MismatchError) where the engine's points are not the release's; then the
    text encoder begins to load. The store is closed when the application ends."""
    settings = dependencies.settings
    router = open_router(dependencies)
    guard = admin_guard(settings.admin_token)
    follower = dependencies.follow(router)
    compactor = Compactor(settings, dependencies.state, dependencies.compact)
    changes = Changes(
        lambda: router.live_release,
        dependencies.releases,
        follower,
        dependencies.encoder,
        dependencies.make_puts,
        compactor,
        settings.ack_wait_s,
    )

    following: set[asyncio.Task[None]] = set()

    async def start() -> None:
        dependencies.encoder.start()
        following.add(asyncio.create_task(follower.run()))

    async def stop() -> None:
        for task in following:
            task.cancel()
        compactor.close()
        for encoder in (dependencies.encoder, *dependencies.other_encoders.values()):
            encoder.close()
        for loaded in dependencies.held.values():
            loaded.let_go()
        await follower.close()
        await dependencies.store.close()
        await dependencies.state.close()

    async def arrive(request: Request[Any, Any, Any]) -> None:
        # Of every request, so that no route can answer from before a change that was acknowledged.
        await follower.arrive()
        await refuse_unknown_parameters(request)

    async def leave(response: Response[Any]) -> Response[Any]:
        if follower.may_answer:
            return response
        # It ran out while the answer was made: what it shows may have been taken down since.
        raise StateError("this worker's lease ran out while it answered")

    async def check() -> None:
        for release_id, loaded in dependencies.held.items():
            try:
                await loaded.release.check_collection(dependencies.store)
            except EngineAwayError as error:
                # It was checked when it went live. A worker that starts now answers what needs no engine, and every row
                # passes the rules by the columns, whatever an engine says later.
                _log.warning("the points of release %s could not be looked at: %s", release_id, error)
            except NearfieldError as error:
                if release_id == dependencies.live.release.id:
                    raise
                # An old release that is spoilt must not keep the live one from being served.
                _log.error("release %s is not held: %s", release_id, error)
                router.let_go(release_id)
        await follower.begin()

    app = Nearfield(
        [
            *item_routes(router),
            *query_routes(router),
            *browsing_routes(router),
            *why_routes(router),
            *change_routes(changes, guard),
            *release_routes(dependencies.releases, dependencies.activate, guard),
            *health_routes(follower, dependencies.store, dependencies.encoder, router, settings),
            page_asset,
            to_the_page,
        ],
        on_startup=[start],
        on_shutdown=[stop],
        before_request=arrive,
        after_request=None if settings.state_url is None else leave,
        exception_handlers=PROBLEM_HANDLERS,
        openapi_config=openapi_config(Document(router, settings.default_market).of, settings.root_path or ""),
        # Failures are logged where they are answered, with the incident that the client was told.
        logging_config=None,
    )
    app.check = check
    app.entrance = Entrance(settings.root_path or "", settings.cors_origins)
    return app
