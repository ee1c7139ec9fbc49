"""The fields of a row as answers show them, all of them or those that a request names (`fields`)."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal, get_args

from msgspec import UNSET, Meta, Struct, UnsetType

from embedding.rows.schema import Kind, Scalar, Window
from embedding.rows.times import rfc3339, rfc3339_us
from indexing.payload.payload import EXPLICIT_UNKNOWN, Payload

# A time in RFC 3339, in UTC, with as many digits as it takes; msgspec would write six of every fraction.
Moment = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]

RowField = Literal[
    "kind",
    "title",
    "creator",
    "creators",
    "explicit",
    "album",
    "duration_s",
    "language",
    "published_at",
    "tags",
    "min_age",
    "popularity",
    "availability",
    "extra",
    "vector",
]
_KEPT_LISTS = 4_096
ROW_FIELDS: tuple[RowField, ...] = get_args(RowField)
Fields = Annotated[
    tuple[RowField, ...],
    Meta(
        max_length=len(ROW_FIELDS),
        description="Which fields of a row come, null where it does not have one; `[]`: none but id, score and space. "
        "`vector` is the row's own in the space by which it was scored.",
    ),
]


class Licence(Struct, frozen=True, rename={"from_": "from"}):
    """Open in `market` ("*" is everywhere) from `from` until before `until`; null is no bound."""

    market: str
    from_: Moment | None
    until: Moment | None


class RowFields(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Fields of a row; those that were not asked for are left out, those that it does not have are null."""

    kind: Kind | UnsetType = UNSET
    title: str | UnsetType = UNSET
    creator: str | UnsetType = UNSET
    creators: tuple[str, ...] | UnsetType = UNSET
    explicit: bool | UnsetType | None = UNSET
    album: str | UnsetType | None = UNSET
    duration_s: float | UnsetType | None = UNSET
    language: str | UnsetType | None = UNSET
    published_at: Moment | UnsetType | None = UNSET
    tags: tuple[str, ...] | UnsetType = UNSET
    min_age: int | UnsetType = UNSET
    popularity: float | UnsetType = UNSET
    availability: tuple[Licence, ...] | UnsetType = UNSET
    extra: dict[str, Scalar] | UnsetType = UNSET
    vector: list[float] | UnsetType = UNSET


# What windows a class stands for, and the vector of the row at hand.
Windows = Callable[[int], tuple[Window, ...]]
VectorOf = Callable[[], list[float]]


def field_values(payload: Payload, fields: Sequence[RowField], windows: Windows, vector: VectorOf) -> dict[str, Any]:
    """The values of the fields that are named, as RowFields has them."""
    return {name: _value(name, payload, windows, vector) for name in fields}


def _value(name: RowField, payload: Payload, windows: Windows, vector: VectorOf) -> Any:
    match name:
        case "explicit":
            return explicit_flag(payload.explicit)
        case "published_at":
            return moment(payload.published_us)
        case "availability":
            return licences(windows(payload.availability_class))
        case "vector":
            return vector()
        case _:
            return getattr(payload, name)


# Many rows have one list of windows, and a time takes 5 us to write.
@lru_cache(_KEPT_LISTS)
def licences(windows: tuple[Window, ...]) -> tuple[Licence, ...]:
    """Windows as JSON shows them."""
    return tuple(Licence(window.market, _bound(window.from_s), _bound(window.until_s)) for window in windows)


def moment(us: int | None) -> Moment | None:
    """A time as JSON shows it, in UTC, of microseconds since 1970."""
    return None if us is None else rfc3339_us(us)


def explicit_flag(value: int) -> bool | None:
    """The three-valued flag of a payload as JSON shows it."""
    return None if value == EXPLICIT_UNKNOWN else bool(value)


def _bound(epoch_s: int | None) -> Moment | None:
    return None if epoch_s is None else rfc3339(epoch_s)
