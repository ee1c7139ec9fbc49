"""Reading a request's body: at most 1 MB, plain or in gzip, declared as JSON, decoded once into the route's Struct."""

from typing import Any

import msgspec
from litestar.connection import Request
from litestar.types import Empty

from service.api.compressed_bodies import gunzip_for
from service.schemas.problems import ProblemError
from service.schemas.validation import decoded

# A query with every list at its limit and long ids stays below it.
MAX_BODY_BYTES = 1_000_000

_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


class BodyRequest(Request[Any, Any, Any]):
    """A request whose `data` is the Struct that its handler names, checked strictly (`"10"` is no number).

    The framework decodes to plain values and converts them afterwards, leniently; with SkipValidation on the
    handler's annotation it takes what `json` gives.
    """

    max_bytes = MAX_BODY_BYTES

    async def body(self) -> bytes:
        """The body's plain bytes; a 413 or 415 problem where it is too large, something else than JSON, or packed in
        another way than gzip."""
        if self._body is Empty:
            self._refuse_by_headers()
            self._body = await self._read()
        return self._body

    async def json(self) -> Any:
        """The body as the Struct that the handler's `data` names; a 400 problem where it does not fit."""
        model = self.route_handler.parsed_fn_signature.parameters["data"].annotation
        decoder = _decoders.get(model)
        if decoder is None:
            decoder = _decoders[model] = msgspec.json.Decoder(model)
        return decoded(await self.body(), decoder, model)

    def _refuse_by_headers(self) -> None:
        """What can be said before anything of the body is waited for."""
        for name, value in self.scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value) > self.max_bytes:
                raise self._too_large(f"{int(value)}")
            if name == b"content-type":
                media_type = value.split(b";", 1)[0].strip().lower()
                if media_type != b"application/json" and not media_type.endswith(b"+json"):
                    came = media_type[:80].decode("latin-1")
                    raise ProblemError(
                        "unsupported-media-type", f"Expected the header Content-Type: application/json, came {came}."
                    )

    async def _read(self) -> bytes:
        gunzip = gunzip_for(self.scope["headers"])
        chunks: list[bytes] = []
        # As sent, and plain: neither may be more than a body may have.
        sent, size, more = 0, 0, True
        while more:
            message = await self.receive()
            if message["type"] != "http.request":
                raise ProblemError("malformed-json", "The connection ended before the body did.")
            chunk, more = message.get("body", b""), message.get("more_body", False)
            sent += len(chunk)
            if gunzip is not None and sent <= self.max_bytes:
                chunk = gunzip.feed(chunk, self.max_bytes - size + 1)
            size += len(chunk)
            if max(sent, size) > self.max_bytes:
                raise self._too_large("more")
            chunks.append(chunk)
        if gunzip is not None:
            gunzip.end()
        if not size:
            raise ProblemError("malformed-json", "Expected one JSON object, came an empty body.")
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _too_large(self, came: str) -> ProblemError:
        detail = f"Expected at most {self.max_bytes} bytes, came {came}. Send less in one call."
        # The rest of it is not read.
        return ProblemError("body-too-large", detail, headers={"Connection": "close"})
