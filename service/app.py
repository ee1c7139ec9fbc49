"""The ASGI application, made of the parts that it is handed."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

from litestar import Litestar
from litestar.connection import Request
from litestar.enums import ScopeType
from litestar.types import HTTPScope, LifeSpanReceive, LifeSpanScope, LifeSpanSend, Receive, Scope, Send

from embedding.errors import NearfieldError
from indexing.releases import Releases
from service.auth import admin_guard
from service.changes import Changes
from service.examples import add_examples
from service.health import health_routes
from service.item_paths import keep_escapes
from service.openapi_page import openapi_config, page_asset
from service.parameters import refuse_unknown_parameters
from service.parts import Parts
from service.problem_handlers import PROBLEM_HANDLERS
from service.queries import Queries
from service.routes_changes import change_routes
from service.routes_items import item_routes
from service.routes_queries import query_routes
from service.routes_releases import release_routes
from service.served import ServedRelease

_log = logging.getLogger("nearfield.service")

# A worker that is asked nothing takes changes in all the same, so that the next request does not pay for many.
_FOLLOW_EVERY_S = 0.25


class Nearfield(Litestar):
    """Litestar, except that an id's percent escapes survive routing, and that a refused start keeps its reason."""

    check: Callable[[], Awaitable[None]]

    async def __call__(
        self,
        scope: Scope | LifeSpanScope,
        receive: Receive | LifeSpanReceive,
        send: Send | LifeSpanSend,
    ) -> None:
        """The ASGI entry point."""
        if scope["type"] == ScopeType.HTTP:
            keep_escapes(cast("HTTPScope", scope))
        await super().__call__(scope, receive, send)

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None, None]:
        """Start-up and shutdown, with the check before both: a start-up hook's error comes out as an ExceptionGroup."""
        await self.check()
        async with super().lifespan():
            yield


def create_app(parts: Parts) -> Litestar:
    """The application. Start-up is refused (MismatchError) where the engine's points are not the release's; then the
    text encoder begins to load. The store is closed when the application ends."""
    queries = Queries(parts)
    settings = parts.settings
    guard = admin_guard(settings.admin_token)
    changes = Changes(parts.live, parts.journal, parts.encoder, parts.make_puts)
    releases = Releases(settings.data_dir, parts.store)

    following: set[asyncio.Task[None]] = set()

    async def start() -> None:
        parts.encoder.start()
        following.add(asyncio.create_task(_follow(parts.live)))

    async def stop() -> None:
        for task in following:
            task.cancel()
        parts.encoder.close()
        await parts.store.close()

    async def arrive(request: Request[Any, Any, Any]) -> None:
        # Of every request, so that no route can answer from before a change that was acknowledged.
        await parts.live.catch_up()
        await refuse_unknown_parameters(request)

    async def check() -> None:
        await parts.live.release.check_collection(parts.store)
        await parts.live.catch_up()

    app = Nearfield(
        [
            *item_routes(parts.live, queries),
            *query_routes(queries),
            *change_routes(changes, guard),
            *release_routes(releases, parts.activate, guard),
            *health_routes(parts, queries.retriever),
            page_asset,
        ],
        on_startup=[start],
        on_shutdown=[stop],
        before_request=arrive,
        exception_handlers=PROBLEM_HANDLERS,
        openapi_config=openapi_config(),
        # Failures are logged where they are answered, with the incident that the client was told.
        logging_config=None,
    )
    app.check = check
    add_examples(app.openapi_schema, parts.live.release, parts.settings.default_market)
    return app


async def _follow(served: ServedRelease) -> None:
    told: str | None = None
    while True:
        await asyncio.sleep(_FOLLOW_EVERY_S)
        try:
            await served.catch_up()
            told = None
        except NearfieldError as error:
            # Every request fails with it and is logged; here once is enough.
            if str(error) != told:
                told = str(error)
                _log.error("cannot follow the journal: %s", error)
