"""The fields of a catalogue row as written (nulls, RFC 3339 times, windows), and in words what each takes."""

from typing import Annotated, Any

from msgspec import Meta, Struct, field

from embedding.rows.languages import expected_language
from embedding.rows.markets import expected_market
from embedding.rows.row_text import LongId, LongName, LongTag, LongTitle
from embedding.rows.schema import Age, Duration, ExtraKey, ExtraValue, Kind, Popularity, Text
from embedding.rows.times import EXPECTED_TIME


class RawWindow(Struct, forbid_unknown_fields=True, gc=False):
    """A licence window as written."""

    market: str | None = None
    from_: str | None = field(default=None, name="from")
    until: str | None = None


class RawChapter(Struct, forbid_unknown_fields=True, gc=False):
    """A chapter as written."""

    start_s: Duration | None = None
    title: LongTitle | None = None


class RawItem(Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """A catalogue row as written; null and left out are the same."""

    # Of any width: hashes are integers of 64 bits without a sign, keys may have more digits.
    id: LongId | int | None = None
    kind: Kind | None = None
    title: LongTitle | None = None
    creator: LongName | None = None
    creators: Annotated[list[LongName | None], Meta(max_length=500)] | None = None
    text: Text | None = None
    chapters: Annotated[list[RawChapter | None], Meta(max_length=1_000)] | None = None
    album: LongName | None = None
    tags: Annotated[list[LongTag | None], Meta(max_length=500)] | None = None
    language: str | None = None
    duration_s: Duration | None = None
    published_at: str | None = None
    explicit: bool | None = None
    # Tables with gaps hold whole numbers as floats.
    min_age: Age | Annotated[float, Meta(ge=0, le=120)] | None = None
    availability: Annotated[list[RawWindow | None], Meta(max_length=10_000)] | None = None
    popularity: Popularity | None = None
    extra: Annotated[dict[ExtraKey, ExtraValue | None], Meta(max_length=100)] | None = None


_NAME = "text of up to 1,000 characters, not all white space"
EXPECTED_ID = (
    "text of 1 to 512 characters without control characters or white space at either end, other than . and .."
    " (or a whole number, not a float)"
)
_LEFT_OUT = "; leave the field out where there is none"
_AVAILABILITY = "a list of windows {market, from, until}, at most 10,000"
_TITLE = "text of up to 2,000 characters, not all white space"
_AGE = "a whole number of years, 0 to 120"
EXPECTED_WINDOWS = 'windows; for everywhere say [{"market": "*"}], to hide the item take it down'

EXPECTED_FIELDS: dict[str, Any] = {
    "id": EXPECTED_ID,
    "kind": "track or episode",
    "title": _TITLE,
    "creator": _NAME,
    "creators": "a list of names, at most 500",
    "creators[]": _NAME,
    "text": "text of up to 2,000,000 characters",
    "chapters": "a list of chapters {start_s, title}, at most 1,000",
    "chapters[]": "a chapter {start_s, title}",
    "chapters[].start_s": "seconds as a number, 0 to 10,000,000, not before the chapter above it",
    "chapters[].title": _TITLE,
    "album": _NAME + _LEFT_OUT,
    "tags": "a list of words, at most 500",
    "tags[]": "text of up to 200 characters, not all white space",
    "language": expected_language,
    "duration_s": "seconds as a number, 0 to 10,000,000",
    "published_at": EXPECTED_TIME,
    "explicit": "true or false" + _LEFT_OUT,
    "min_age": _AGE,
    "availability": _AVAILABILITY,
    "availability[]": "a window {market, from, until}",
    "availability[].market": expected_market,
    "availability[].from": EXPECTED_TIME,
    "availability[].until": EXPECTED_TIME,
    "popularity": "a number from 0 to 1",
    "extra": "an object of at most 100 names (up to 200 characters) with a text (up to 10,000), number of 64 bits, true"
    " or false",
}
