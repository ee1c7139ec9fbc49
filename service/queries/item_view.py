"""One catalogue row as `GET /v1/items/{id}` shows it."""

from collections.abc import Sequence

from msgspec import Struct

from embedding.rows.schema import Kind, Scalar, Window
from indexing.payload.payload import Payload
from service.schemas.row_fields import Licence, Moment, explicit_flag, licences, moment


class ItemView(Struct, frozen=True, kw_only=True):
    """All that the release keeps of a row, whatever the rules say; null where the row does not have it."""

    id: str
    kind: Kind
    title: str
    creator: str
    creators: tuple[str, ...]
    album: str | None
    tags: tuple[str, ...]
    language: str | None
    duration_s: float | None
    published_at: Moment | None
    explicit: bool | None
    min_age: int
    popularity: float
    availability: tuple[Licence, ...]
    extra: dict[str, Scalar]
    release: str
    revision: int


def item_view(payload: Payload, windows: Sequence[Window], release: str, revision: int) -> ItemView:
    """The view of the item with this payload, licensed in `windows`."""
    return ItemView(
        id=payload.id,
        kind=payload.kind,
        title=payload.title,
        creator=payload.creator,
        creators=payload.creators,
        album=payload.album,
        tags=payload.tags,
        language=payload.language,
        duration_s=payload.duration_s,
        published_at=moment(payload.published_us),
        explicit=explicit_flag(payload.explicit),
        min_age=payload.min_age,
        popularity=payload.popularity,
        availability=licences(windows),
        extra=payload.extra,
        release=release,
        revision=revision,
    )
