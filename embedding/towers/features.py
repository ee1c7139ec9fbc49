"""The features of an item: which fields each reads, which kind it is of, and what values it has."""

from collections.abc import Callable

from embedding.data.train_config import Feature
from embedding.rows.first_name_key import first_name_key
from embedding.rows.schema import Item

# By kind: any number of values, one value, a number.
BAGS: tuple[Feature, ...] = ("creators", "album", "tags")
CATEGORIES: tuple[Feature, ...] = ("language", "kind")
NUMBERS: tuple[Feature, ...] = ("duration_s", "published_at")
# Item fields, besides those of the text encoder, that each feature reads.
FIELDS: dict[Feature, tuple[str, ...]] = {
    "id": ("id",),
    "text": (),
    "creators": ("creator", "creators"),
    "album": ("album",),
    "tags": ("tags",),
    "language": ("language",),
    "kind": ("kind",),
    "duration_s": ("duration_s",),
    "published_at": ("published_at",),
}
# Row 0 of a table stands for "no value, or one not seen in training".
UNKNOWN = 0


def _creators(item: Item) -> tuple[str, ...]:
    return tuple(dict.fromkeys(first_name_key(name) for name in item.all_creators))


def _album(item: Item) -> tuple[str, ...]:
    return () if item.album is None else (first_name_key(item.album),)


def _tags(item: Item) -> tuple[str, ...]:
    return tuple(dict.fromkeys(first_name_key(tag) for tag in item.tags))


def _language(item: Item) -> tuple[str, ...]:
    return () if item.language is None else (item.language.split("-")[0].lower(),)


def _kind(item: Item) -> tuple[str, ...]:
    return (item.kind,)


# The values of each feature that has any, in the form in which vocabularies hold them.
VALUES: dict[str, Callable[[Item], tuple[str, ...]]] = {
    "creators": _creators,
    "album": _album,
    "tags": _tags,
    "language": _language,
    "kind": _kind,
}
