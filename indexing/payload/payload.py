"""What a point says about its item: the fields that are shown, and those that filters read.

One Struct serves the columns (msgpack, array-like), the Python predicate and the engine; the engine gets only
`INDEXED_FIELDS`. Derived fields are spelt out here so that every reading of a filter sees the same values.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from msgspec import Struct

from embedding.rows.names import name_key
from embedding.rows.schema import Item, Kind, Scalar
from embedding.rows.times import joined_us

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
    # All whom the row names, in the form that blocklists and caps compare.
    creator_keys: tuple[str, ...]
    extra: dict[str, Scalar]
    # Microseconds after `published_at`, None where it is a whole second; payloads of old releases end before it.
    published_fraction_us: int | None = None

    @property
    def published_us(self) -> int | None:
        """`published_at` to the microsecond: microseconds since 1970."""
        return None if self.published_at is None else joined_us(self.published_at, self.published_fraction_us)


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
    "published_fraction_us": "integer",
}
# Fields that hold several values; a condition on one holds when any of its values does.
LIST_FIELDS = frozenset({"languages", "creator_keys", "tags"})

# What filters and the engine call a declared field of `extra`: with its type, so that a name stands for one way to be
# asked, and a field that is declared anew with another type is another field.
_EXTRA = "extra"
EXTRA_TYPES: tuple[FieldType, ...] = ("keyword", "integer", "float")
# Beyond, the numbers of a range (float64) do not tell two whole numbers apart.
MOST_INTEGER = 2**53 - 1


def extra_field(name: str, field_type: FieldType) -> str:
    """The field of a declared `name` of `extra`."""
    return f"{_EXTRA}.{field_type}.{name}"


def extra_of(field: str) -> tuple[str, FieldType] | None:
    """Name and type of a declared field of `extra`; None for any other field."""
    root, _, rest = field.partition(".")
    field_type, _, name = rest.partition(".")
    for known in EXTRA_TYPES if root == _EXTRA and name else ():
        if field_type == known:
            return name, known
    return None


def extra_value(extra: Mapping[str, Scalar], name: str, field_type: FieldType) -> str | int | float | None:
    """The value that a row has of a declared field; None where it has none, or one of another type.

    A flag counts as the keyword `true` or `false`, a whole number as a float too.
    """
    value = extra.get(name)
    match field_type:
        case "keyword":
            return ("false", "true")[value] if isinstance(value, bool) else value if isinstance(value, str) else None
        case "integer":
            return value if type(value) is int and -MOST_INTEGER <= value <= MOST_INTEGER else None
        case _:
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                return None
            return float(value)


def language_prefixes(tag: str | None) -> tuple[str, ...]:
    """All ranges that match `tag` under RFC 4647 section 3.3.1, lower case; (`?`,) where there is none."""
    if tag is None:
        return (NO_LANGUAGE,)
    subtags = tag.lower().split("-")
    return tuple("-".join(subtags[: end + 1]) for end in range(len(subtags)))


def keys_of_names(names: Iterable[str]) -> tuple[str, ...]:
    """The keys of some names, each once."""
    return tuple(dict.fromkeys(map(name_key, names)))


def payload_of(item: Item, availability_class: int, popularity: float) -> Payload:
    """The payload of `item`, whose availability list was interned as `availability_class`."""
    explicit = EXPLICIT_UNKNOWN if item.explicit is None else int(item.explicit)
    return Payload(
        id=item.id,
        kind=item.kind,
        title=item.title,
        creator=item.creator,
        creators=item.all_creators,
        album=item.album,
        tags=item.tags,
        language=item.language,
        duration_s=item.duration_s,
        published_at=item.published_at,
        published_fraction_us=item.published_fraction_us,
        explicit=explicit,
        min_age=item.min_age,
        popularity=popularity,
        availability_class=availability_class,
        languages=language_prefixes(item.language),
        creator_keys=keys_of_names(item.credited),
        extra=item.extra,
    )


def engine_payload(payload: Payload, extra_fields: Iterable[str] = ()) -> dict[str, Any]:
    """The fields that the engine indexes, those of `extra` that are named among them; a field without a value is left
    out, so that no condition matches it."""
    fields: dict[str, Any] = {}
    for name in INDEXED_FIELDS:
        value = getattr(payload, name)
        if value is None or value == ():
            continue
        fields[name] = list(value) if isinstance(value, tuple) else value
    for field in extra_fields:
        name, field_type = checked_extra(field)
        if (value := extra_value(payload.extra, name, field_type)) is not None:
            fields.setdefault(_EXTRA, {}).setdefault(field_type, {})[name] = value
    return fields


def checked_extra(field: str) -> tuple[str, FieldType]:
    """`extra_of` a field that must be one; ValueError where it is not."""
    found = extra_of(field)
    if found is None:
        raise ValueError(f"expected a field such as extra.keyword.mood, {field!r} came")
    return found
