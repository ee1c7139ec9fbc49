"""Checks of the texts in a row: the lengths of `embedding.rows.schema` as types, its patterns as functions.

A pattern in a msgspec type costs half a microsecond each time, the checks here a tenth of that; a row has ten such
texts. That both say the same is a test.
"""

import re
from typing import Annotated, Any

import msgspec
from msgspec import Meta

LongId = Annotated[str, Meta(max_length=512)]
LongTitle = Annotated[str, Meta(max_length=2_000)]
LongName = Annotated[str, Meta(max_length=1_000)]
LongTag = Annotated[str, Meta(max_length=200)]

# A text has its bound in its type; Python refuses to write out integers that are much longer than this.
_MAX_ID = 10**511

_ID = re.compile(r"[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?")


def is_blank(text: str) -> bool:
    """Whether there is nothing to read in `text`: it is empty or white space alone."""
    return not text or text.isspace()


def id_text(written: str | int | None) -> str | None:
    """An id as text: an integer is its digits. None where there is none, and for more digits than an id has."""
    if not isinstance(written, int):
        return written
    return str(written) if abs(written) < _MAX_ID else None


def is_id(text: str) -> bool:
    """Whether `text`, of any length, is as `embedding.rows.schema.Id` asks, and no step of a path.

    Clients take `.` and `..` out of an address, written as `%2E` too (RFC 3986, section 6.2.2.3): nobody could ask for
    such an item.
    """
    # Most ids are printable ASCII that begins with a letter or a digit, which needs no pattern.
    return (text.isascii() and text.isprintable() and text[:1] > "." and text[-1:] > " ") or (
        _ID.fullmatch(text) is not None and text not in (".", "..")
    )


def json_or_text(text: str) -> Any:
    """The value in a cell of JSON; what is no JSON stays text, and is rejected by the field's type."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text
