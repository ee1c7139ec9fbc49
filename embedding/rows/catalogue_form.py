"""The catalogue row as people write it (nulls, RFC 3339 times, windows with `from`), and the Item it makes."""

import math
from functools import lru_cache
from typing import Annotated, Any

from msgspec import Meta, Struct, field

from embedding.rows.markets import expected_market, is_market
from embedding.rows.rejects import shown
from embedding.rows.row_form import RowForm, RowProblem
from embedding.rows.row_text import LongId, LongName, LongTag, LongTitle, is_blank, is_id, is_language
from embedding.rows.schema import (
    EVERYWHERE,
    Age,
    Duration,
    ExtraKey,
    ExtraValue,
    Int64,
    Item,
    Kind,
    Popularity,
    Text,
    Window,
)
from embedding.rows.times import EXPECTED_TIME, epoch_us

_US = 1_000_000
# The same few dates bound most windows.
_bound_us = lru_cache(maxsize=16_384)(epoch_us)


class RawWindow(Struct, forbid_unknown_fields=True, gc=False):
    """A licence window as written."""

    market: str | None = None
    from_: str | None = field(default=None, name="from")
    until: str | None = None


class RawItem(Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """A catalogue row as written; null and left out are the same."""

    id: LongId | Int64 | None = None
    kind: Kind | None = None
    title: LongTitle | None = None
    creator: LongName | None = None
    creators: Annotated[list[LongName | None], Meta(max_length=500)] | None = None
    text: Text | None = None
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


_NAME = "up to 1,000 characters, not all white space"
EXPECTED_ID = "1 to 512 characters without control characters or white space at either end (or a whole number)"
_LEFT_OUT = "; leave the field out where there is none"
_AVAILABILITY = "a list of windows {market, from, until}, at most 10,000"
_AGE = "a whole number of years, 0 to 120"
_EMPTY_AVAILABILITY = 'windows; for everywhere say [{"market": "*"}], to hide the item take it down'

EXPECTED_FIELDS: dict[str, Any] = {
    "id": EXPECTED_ID,
    "kind": "track or episode",
    "title": "up to 2,000 characters, not all white space",
    "creator": _NAME,
    "creators": "a list of names, at most 500",
    "creators[]": _NAME,
    "text": "text of up to 2,000,000 characters",
    "album": _NAME + _LEFT_OUT,
    "tags": "a list of words, at most 500",
    "tags[]": "up to 200 characters, not all white space",
    "language": "a BCP 47 tag such as sv or en-US" + _LEFT_OUT,
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
    "extra": "an object of at most 100 names (up to 200 characters) with a text (up to 10,000), number, true or false",
}


def _windows(raw: list[RawWindow | None]) -> tuple[Window, ...]:
    windows: list[Window] = []
    for written in raw:
        if written is None:
            continue
        market = written.market
        if market is None or not is_market(market):
            raise _window_problem(windows, "market", market, expected_market(market))
        from_s = until_s = None
        # Bounds are whole seconds; a fraction is rounded into the window, which so never opens early or closes late.
        if written.from_ is not None:
            try:
                from_s = -(-_bound_us(written.from_) // _US)
            except ValueError:
                raise _window_problem(windows, "from", written.from_, EXPECTED_TIME) from None
        if written.until is not None:
            try:
                until_s = _bound_us(written.until) // _US
            except ValueError:
                raise _window_problem(windows, "until", written.until, EXPECTED_TIME) from None
            if from_s is not None and until_s <= from_s:
                raise _window_problem(windows, "until", written.until, f"a time after from ({written.from_})")
        windows.append(Window(market, from_s, until_s))
    if not windows:
        raise RowProblem("availability", _EMPTY_AVAILABILITY, "an empty list")
    return tuple(windows)


def _window_problem(before: list[Window], name: str, came: object, expected: str) -> RowProblem:
    return RowProblem(f"availability[{len(before)}].{name}", expected, shown(came))


def _published(text: str) -> int:
    try:
        return epoch_us(text) // _US
    except ValueError:
        raise RowProblem("published_at", EXPECTED_TIME, shown(text)) from None


def _extra(raw: dict[str, Any]) -> dict[str, Any]:
    for name, value in raw.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise RowProblem("extra", EXPECTED_FIELDS["extra"], f"{value} for {shown(name)}")
    return {name: value for name, value in raw.items() if value is not None}


def _words(field_name: str, written: list[str | None]) -> tuple[str, ...]:
    words = [word for word in written if word is not None]
    for word in words:
        if is_blank(word):
            place = words.index(word)
            raise RowProblem(f"{field_name}[{place}]", EXPECTED_FIELDS[f"{field_name}[]"], shown(word))
    return tuple(words)


def _item(raw: RawItem) -> Item:
    item_id = str(raw.id) if isinstance(raw.id, int) else raw.id
    if item_id is None or not is_id(item_id):
        raise RowProblem("id", EXPECTED_ID, shown(item_id))
    kind, title, creator = raw.kind, raw.title, raw.creator
    if kind is None:
        raise RowProblem("kind", EXPECTED_FIELDS["kind"], shown(None))
    if title is None or is_blank(title):
        raise RowProblem("title", EXPECTED_FIELDS["title"], shown(title))
    if creator is None or is_blank(creator):
        raise RowProblem("creator", EXPECTED_FIELDS["creator"], shown(creator))
    if raw.album is not None and is_blank(raw.album):
        raise RowProblem("album", EXPECTED_FIELDS["album"], shown(raw.album))
    if raw.language is not None and not is_language(raw.language):
        raise RowProblem("language", EXPECTED_FIELDS["language"], shown(raw.language))
    age = raw.min_age or 0
    if isinstance(age, float):
        if not age.is_integer():
            raise RowProblem("min_age", _AGE, shown(age))
        age = int(age)
    return Item(
        id=item_id,
        kind=kind,
        title=title,
        creator=creator,
        creators=_words("creators", raw.creators) if raw.creators else (),
        text=raw.text,
        album=raw.album,
        tags=_words("tags", raw.tags) if raw.tags else (),
        language=raw.language,
        duration_s=raw.duration_s,
        published_at=None if raw.published_at is None else _published(raw.published_at),
        explicit=raw.explicit,
        min_age=age,
        availability=EVERYWHERE if raw.availability is None else _windows(raw.availability),
        popularity=raw.popularity,
        extra=_extra(raw.extra) if raw.extra else {},
    )


CATALOGUE_FORM: RowForm[RawItem, Item] = RowForm(
    name="a catalogue row",
    raw=RawItem,
    build=_item,
    required=("id", "kind", "title", "creator"),
    expected=EXPECTED_FIELDS,
    cells={
        "creators": "list",
        "tags": "list",
        "duration_s": "number",
        "explicit": "flag",
        "min_age": "number",
        "availability": "json",
        "popularity": "number",
        "extra": "json",
    },
)
