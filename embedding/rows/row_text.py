"""Checks of the texts in a row: the lengths of `embedding.rows.schema` as types, its patterns as functions.

A pattern in a msgspec type costs half a microsecond each time, the checks here a tenth of that; a row has ten such
texts. That both say the same is a test.
"""

import re
from functools import lru_cache
from typing import Annotated

from msgspec import Meta

LongId = Annotated[str, Meta(max_length=512)]
LongTitle = Annotated[str, Meta(max_length=2_000)]
LongName = Annotated[str, Meta(max_length=1_000)]
LongTag = Annotated[str, Meta(max_length=200)]

_ID = re.compile(r"[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?")
_LANGUAGE = re.compile(r"(?=.{1,35}$)[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")


def is_blank(text: str) -> bool:
    """Whether there is nothing to read in `text`: it is empty or white space alone."""
    return not text or text.isspace()


def is_id(text: str) -> bool:
    """Whether `text`, of any length, is as `embedding.rows.schema.Id` asks."""
    # Most ids are printable ASCII, which needs no pattern.
    return (text.isascii() and text.isprintable() and text[:1] > " " < text[-1:]) or _ID.fullmatch(text) is not None


@lru_cache(maxsize=4096)
def is_language(text: str) -> bool:
    """Whether `text` is as `embedding.rows.schema.LanguageTag` asks."""
    return _LANGUAGE.fullmatch(text) is not None
