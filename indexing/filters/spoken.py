"""Conditions on an item's language by the ranges that somebody asks for, over what points hold: prefixes of tags."""

from collections.abc import Collection

from indexing.filters.algebra import Filter, NoneOf, OneOf
from indexing.payload.language_ranges import stored_prefixes
from indexing.payload.payload import NO_LANGUAGE

ANY_LANGUAGE = "*"
"""The range of every tag."""


def spoken(ranges: Collection[str], *, or_unknown: bool = False) -> Filter:
    """That an item's language is in one of `ranges`, or, with `or_unknown`, that it names none; `ANY_LANGUAGE` is of
    all that name one."""
    if ANY_LANGUAGE in ranges:
        return NoneOf(()) if or_unknown else NoneOf((OneOf("languages", frozenset({NO_LANGUAGE})),))
    # The mark of an item without a language is no range that a request may ask for.
    wanted = frozenset[str]().union(*map(stored_prefixes, ranges)) - {NO_LANGUAGE}
    return OneOf("languages", wanted | {NO_LANGUAGE} if or_unknown else wanted)
