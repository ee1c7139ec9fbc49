"""Which browser pages of other origins may call the service (CORS): those of the setting `cors_origins`.

The framework's own writes over a `Vary` that is there, and refuses with a body that is no problem (litestar 2.25).
"""

from collections.abc import Collection

from litestar.types import HTTPScope, Message, Send

from service.api.headers import header

_EVERY = "*"
_PREFLIGHT = (
    (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, DELETE"),
    (b"access-control-allow-headers", b"Authorization, Content-Type, Content-Encoding"),
    # Seconds for which a browser need not ask again; none keeps it longer than some hours.
    (b"access-control-max-age", b"600"),
)
# What a page may read of an answer besides its body and its type.
_EXPOSED = (b"access-control-expose-headers", b"Retry-After, Allow")


class Cors:
    """Allows `origins`, or all where `*` is among them; cookies are never asked for."""

    def __init__(self, origins: Collection[str]) -> None:
        self._origins = frozenset(origin.encode() for origin in origins)
        self._all = _EVERY in origins

    def allowing(self, scope: HTTPScope, send: Send) -> Send:
        """What sends the answer, with the headers that let the page have it where its origin is allowed."""
        headers = self._headers(scope)

        async def allowed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *headers]
            await send(message)

        return allowed

    def preflight(self, scope: HTTPScope) -> list[tuple[bytes, bytes]] | None:
        """The headers that answer a browser's question before a request; None for anything else, and for a page whose
        origin is not allowed: it gets the router's answer, which lets it do nothing."""
        asks = header(scope["headers"], b"access-control-request-method") is not None
        if scope["method"] != "OPTIONS" or not asks or not self._is_allowed(scope):
            return None
        return [*self._headers(scope), *_PREFLIGHT]

    def _is_allowed(self, scope: HTTPScope) -> bool:
        origin = header(scope["headers"], b"origin")
        return origin is not None and (self._all or origin in self._origins)

    def _headers(self, scope: HTTPScope) -> list[tuple[bytes, bytes]]:
        if self._all:
            return [(b"access-control-allow-origin", b"*"), _EXPOSED]
        # Also where none is allowed: a cache must not give one page's answer to another.
        headers = [(b"vary", b"Origin")]
        if self._is_allowed(scope):
            headers += [(b"access-control-allow-origin", header(scope["headers"], b"origin") or b""), _EXPOSED]
        return headers
