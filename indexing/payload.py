"""What a point says about its item: the fields that are shown, and those that filters read.

One Struct serves the columns (msgpack, array-like), the Python predicate and the engine; the engine gets only
`INDEXED_FIELDS`. Derived fields are spelt out here so that every reading of a filter sees the same values.
"""

from typing import Any, Literal

from msgspec import Struct

from embedding.rows import Item, Kind, Scalar, name_key

# A `code` is a whole number whose order means nothing: matched by equality, never by range.
FieldType = Literal["keyword", "code", "integer", "float"]

# Value of `languages` for an item that names none: a rule says whether it passes.
NO_LANGUAGE = "?"
# Booleans do not match in Qdrant Edge (docs/log.md), so the three-valued flag is an integer.
EXPLICIT_NO, EXPLICIT_YES, EXPLICIT_UNKNOWN = 0, 1, 2


class Payload(Struct, frozen=True, array_like=True, kw_only=True):
    """One point's fields; empty or None means that the item does not have the field."""

    id: str
    kind: Kind
    title: str
    creator: str
    creators: tuple[str, ...]
    album: str | None
    tags: tuple[str, ...]
    language: str | None
    duration_s: float | None
    published_at: int | None
    explicit: int
    min_age: int
    popularity: float
    availability_class: int
    # Lower-case prefixes of the language tag (`en`, `en-us`), so that RFC 4647 basic filtering is an equality.
    languages: tuple[str, ...]
    # `creators` in the form that blocklists and caps compare.
    creator_keys: tuple[str, ...]
    extra: dict[str, Scalar]


INDEXED_FIELDS: dict[str, FieldType] = {
    "kind": "keyword",
    "availability_class": "code",
    "explicit": "code",
    "min_age": "integer",
    "languages": "keyword",
    "creator_keys": "keyword",
    "tags": "keyword",
    "duration_s": "float",
    "published_at": "integer",
}
# Fields that hold several values; a condition on one holds when any of its values does.
LIST_FIELDS = frozenset({"languages", "creator_keys", "tags"})


def language_prefixes(tag: str | None) -> tuple[str, ...]:
    """All ranges that match `tag` under RFC 4647 section 3.3.1, lower case; (`?`,) where there is none."""
    if tag is None:
        return (NO_LANGUAGE,)
    subtags = tag.lower().split("-")
    return tuple("-".join(subtags[: end + 1]) for end in range(len(subtags)))


def payload_of(item: Item, availability_class: int, popularity: float) -> Payload:
    """The payload of `item`, whose availability list was interned as `availability_class`."""
    explicit = EXPLICIT_UNKNOWN if item.explicit is None else int(item.explicit)
    creators = item.all_creators
    return Payload(
        id=item.id,
        kind=item.kind,
        title=item.title,
        creator=item.creator,
        creators=creators,
        album=item.album,
        tags=item.tags,
        language=item.language,
        duration_s=item.duration_s,
        published_at=item.published_at,
        explicit=explicit,
        min_age=item.min_age,
        popularity=popularity,
        availability_class=availability_class,
        languages=language_prefixes(item.language),
        creator_keys=tuple(dict.fromkeys(name_key(name) for name in creators)),
        extra=item.extra,
    )


def engine_payload(payload: Payload) -> dict[str, Any]:
    """The fields that the engine indexes; a field without a value is left out, so that no condition matches it."""
    fields: dict[str, Any] = {}
    for name in INDEXED_FIELDS:
        value = getattr(payload, name)
        if value is None or value == ():
            continue
        fields[name] = list(value) if isinstance(value, tuple) else value
    return fields
