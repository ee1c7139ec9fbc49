"""gzip of bodies: undone a part at a time, so that a few bytes cannot become more than a body may have."""

import zlib
from collections.abc import Iterable

from service.api.headers import header
from service.schemas.problems import ProblemError
from service.schemas.validation import shorten

_GZIP_WINDOW = 16 + zlib.MAX_WBITS


class Gunzip:
    """Undoes the gzip of one body; a 400 problem where it is none, not whole, or something comes after it."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_GZIP_WINDOW)

    def feed(self, data: bytes, most: int) -> bytes:
        """What `data` stands for, `most` bytes of it (1 or more); a body that needs more is too large, and given up."""
        if self._stream.eof and data:
            raise _broken("something comes after its end")
        try:
            plain = self._stream.decompress(data, most)
        except zlib.error as error:
            raise _broken(str(error)) from error
        if self._stream.unused_data:
            raise _broken("something comes after its end")
        return plain

    def end(self) -> None:
        """The body has ended."""
        if not self._stream.eof:
            raise _broken("it ends in the middle")


def gunzip_for(headers: Iterable[tuple[bytes, bytes]]) -> Gunzip | None:
    """What undoes the `Content-Encoding` of a request, None for a plain one; a 415 problem for another than gzip."""
    coding = (header(headers, b"content-encoding") or b"").decode("latin-1").strip().lower()
    if coding in ("", "identity"):
        return None
    if coding in ("gzip", "x-gzip"):
        return Gunzip()
    raise ProblemError(
        "unsupported-media-type",
        f"Expected a plain body, or one with the header Content-Encoding: gzip, came {shorten(coding)}.",
        headers={"Accept-Encoding": "gzip"},
    )


def _broken(why: str) -> ProblemError:
    return ProblemError(
        "malformed-json", f"Expected one whole gzip stream, as Content-Encoding says, came other bytes: {why}."
    )
