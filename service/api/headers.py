"""One header of a request, as ASGI gives it: without the objects that a framework makes of all of them."""

from collections.abc import Iterable


def header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """The values of the header `name` (lower case), joined by commas as HTTP means them; None where it was not sent."""
    values = [value for known, value in headers if known == name]
    return b",".join(values) if values else None
