"""Authorisation of routes that change something: the admin token; nobody where none is set."""

import hmac
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from service.schemas.problems import ProblemError

TOKEN_NAME = "admin_token"
"""What the token is called whose bearer makes a change: kept with the change as who made it."""
_SCHEME = "bearer"


def admin_guard(token: str | None) -> Guard:
    """A guard that lets only requests with `Authorization: Bearer TOKEN` pass; a 403 problem otherwise."""

    def guard(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
        if not token:
            raise ProblemError(
                "forbidden", "This service takes no changes: set admin_token (NEARFIELD_ADMIN_TOKEN) and start again."
            )
        scheme, _, sent = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() != _SCHEME or not hmac.compare_digest(sent.strip().encode(), token.encode()):
            raise ProblemError("forbidden", "Expected the header Authorization: Bearer TOKEN with the admin token.")

    return guard
