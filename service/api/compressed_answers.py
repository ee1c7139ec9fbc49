"""gzip of answers, for clients that say in `Accept-Encoding` that they take it.

The framework's own looks for the word alone and compresses for `gzip;q=0` too (litestar 2.25).
"""

import asyncio
import zlib
from functools import lru_cache

from litestar.types import HTTPResponseStartEvent, HTTPScope, Message, Send

from service.api.headers import header

# Below it one packet holds the answer either way.
_LEAST_BYTES = 1_000
# Above it (the page's script) other requests would wait for some milliseconds.
_APART_BYTES = 200_000
# Of 100 hits level 9 makes 5 % less in 2.5 times the time; a window and tables of the usual size, which are cleared
# for each answer, cost 60 us more (30 us for ten hits as it is).
_LEVEL, _GZIP_WINDOW, _TABLES = 4, 16 + 13, 6
_COMPRESSIBLE = (b"application/json", b"application/problem+json", b"application/vnd.oai.openapi", b"text/")


def compressing(scope: HTTPScope, send: Send) -> Send:
    """What sends an answer: in gzip where the client takes that, and it is text of some length.

    An answer that comes in parts is sent as it is.
    """
    accepted = header(scope["headers"], b"accept-encoding")
    if accepted is None or not takes_gzip(accepted):
        return send
    begun: HTTPResponseStartEvent | None = None

    async def compressed(message: Message) -> None:
        nonlocal begun
        if message["type"] == "http.response.start":
            begun = message
            return
        if begun is not None:
            start, begun = begun, None
            if (
                message["type"] == "http.response.body"
                and not message["more_body"]
                and _is_worth_it(start, message["body"])
            ):
                body = message["body"]
                packed = await asyncio.to_thread(_gzip, body) if len(body) > _APART_BYTES else _gzip(body)
                start["headers"] = _headers(start, len(packed))
                message = {**message, "body": packed}
            await send(start)
        await send(message)

    return compressed


@lru_cache(maxsize=256)
def takes_gzip(accepted: bytes) -> bool:
    """Whether a header `Accept-Encoding` (RFC 9110, 12.5.3) asks for gzip no less than for the plain answer."""
    weights: dict[str, float] = {}
    for part in accepted.decode("latin-1").lower().split(","):
        coding, *parameters = (word.strip() for word in part.split(";"))
        weights[coding] = _weight(parameters)
    gzip = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    return gzip > 0 and gzip >= weights.get("identity", 0.0)


def _weight(parameters: list[str]) -> float:
    """Of a coding; 0 where it is not written as a weight is: plain is always taken."""
    if not parameters:
        return 1.0
    name, _, value = parameters[0].partition("=")
    try:
        return float(value) if name.strip() == "q" and len(parameters) == 1 else 0.0
    except ValueError:
        return 0.0


def _is_worth_it(start: HTTPResponseStartEvent, body: bytes) -> bool:
    media_type = header(start["headers"], b"content-type") or b""
    return (
        len(body) >= _LEAST_BYTES
        and media_type.startswith(_COMPRESSIBLE)
        and header(start["headers"], b"content-encoding") is None
    )


def _headers(start: HTTPResponseStartEvent, num_bytes: int) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in start["headers"] if name != b"content-length"]
    sent = [(b"content-length", b"%d" % num_bytes), (b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding")]
    return kept + sent


def _gzip(body: bytes) -> bytes:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_WINDOW, _TABLES)
    return packer.compress(body) + packer.flush()
