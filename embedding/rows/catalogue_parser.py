"""The catalogue row: its fields as written, checked, and the Item that they make."""

import math
from functools import lru_cache
from typing import Any

from embedding.rows.catalogue_fields import EXPECTED_FIELDS, EXPECTED_WINDOWS, RawChapter, RawItem, RawWindow
from embedding.rows.languages import canonical, expected_language
from embedding.rows.markets import expected_market, is_market
from embedding.rows.rejects import Fault, shown
from embedding.rows.row_parser import RowParser, RowProblem
from embedding.rows.row_text import id_text, is_blank, is_id
from embedding.rows.schema import EVERYWHERE, Chapter, Item, Window
from embedding.rows.times import EXPECTED_TIME, ceil_s, floor_s, second_and_fraction

# The same few dates bound most windows. Bounds are whole seconds; a fraction is rounded into the window, which so never
# opens early or closes late.
_opens_s = lru_cache(maxsize=16_384)(ceil_s)
_closes_s = lru_cache(maxsize=16_384)(floor_s)


def _windows(raw: list[RawWindow | None], faults: list[Fault]) -> tuple[Window, ...]:
    windows: list[Window] = []
    for place, written in enumerate(raw):
        if written is None:
            continue
        market = written.market
        if market is None or not is_market(market):
            faults.append(_window_fault(place, "market", market, expected_market(market)))
        from_s = until_s = None
        if written.from_ is not None:
            try:
                from_s = _opens_s(written.from_)
            except ValueError:
                faults.append(_window_fault(place, "from", written.from_, EXPECTED_TIME))
        if written.until is not None:
            try:
                until_s = _closes_s(written.until)
            except ValueError:
                faults.append(_window_fault(place, "until", written.until, EXPECTED_TIME))
            else:
                if from_s is not None and until_s <= from_s:
                    expected = f"a time after from ({written.from_}), in whole seconds"
                    faults.append(_window_fault(place, "until", written.until, expected))
        windows.append(Window(market or "", from_s, until_s))
    if not windows:
        faults.append(Fault("availability", EXPECTED_WINDOWS, "an empty list"))
    return tuple(windows)


def _chapters(raw: list[RawChapter | None], faults: list[Fault]) -> tuple[Chapter, ...]:
    chapters: list[Chapter] = []
    before_s = 0.0
    for place, written in enumerate(raw):
        if written is None:
            continue
        start_s, title = written.start_s, written.title
        if start_s is None or start_s < before_s:
            faults.append(_chapter_fault(place, "start_s", start_s))
        if title is None or is_blank(title):
            faults.append(_chapter_fault(place, "title", title))
        before_s = before_s if start_s is None else start_s
        chapters.append(Chapter(before_s, title or ""))
    return tuple(chapters)


def _chapter_fault(place: int, name: str, came: object) -> Fault:
    return Fault(f"chapters[{place}].{name}", EXPECTED_FIELDS[f"chapters[].{name}"], shown(came))


def _window_fault(place: int, name: str, came: object, expected: str) -> Fault:
    return Fault(f"availability[{place}].{name}", expected, shown(came))


def _published(text: str, faults: list[Fault]) -> tuple[int | None, int | None]:
    try:
        return second_and_fraction(text)
    except ValueError:
        faults.append(Fault("published_at", EXPECTED_TIME, shown(text)))
        return None, None


def _extra(raw: dict[str, Any], faults: list[Fault]) -> dict[str, Any]:
    for name, value in raw.items():
        if isinstance(value, float) and not math.isfinite(value):
            faults.append(Fault("extra", EXPECTED_FIELDS["extra"], f"{shown(value)} for {shown(name)}"))
    return {name: value for name, value in raw.items() if value is not None}


def _words(field_name: str, written: list[str | None], faults: list[Fault]) -> tuple[str, ...]:
    words = [word for word in written if word is not None]
    if any(map(is_blank, words)):
        for place, word in enumerate(written):
            if word is not None and is_blank(word):
                faults.append(Fault(f"{field_name}[{place}]", EXPECTED_FIELDS[f"{field_name}[]"], shown(word)))
    return tuple(words)


def _refuse(faults: list[Fault], name: str, came: object) -> None:
    faults.append(Fault(name, EXPECTED_FIELDS[name], shown(came)))


def _item(raw: RawItem) -> Item:
    faults: list[Fault] = []
    item_id = id_text(raw.id)
    if item_id is None or not is_id(item_id):
        _refuse(faults, "id", raw.id)
    kind, title, creator = raw.kind, raw.title, raw.creator
    if kind is None:
        _refuse(faults, "kind", None)
    if title is None or is_blank(title):
        _refuse(faults, "title", title)
    if creator is None or is_blank(creator):
        _refuse(faults, "creator", creator)
    creators = _words("creators", raw.creators, faults) if raw.creators else ()
    if raw.album is not None and is_blank(raw.album):
        _refuse(faults, "album", raw.album)
    tags = _words("tags", raw.tags, faults) if raw.tags else ()
    language = raw.language
    if raw.language is not None and (language := canonical(raw.language)) is None:
        faults.append(Fault("language", expected_language(raw.language), shown(raw.language)))
    published = (None, None) if raw.published_at is None else _published(raw.published_at, faults)
    age = raw.min_age or 0
    if isinstance(age, float):
        if not age.is_integer():
            _refuse(faults, "min_age", age)
        age = int(age)
    item = Item(
        id=item_id or "",
        kind=kind or "track",
        title=title or "",
        creator=creator or "",
        creators=creators,
        text=raw.text,
        chapters=_chapters(raw.chapters, faults) if raw.chapters else (),
        album=raw.album,
        tags=tags,
        language=language,
        duration_s=raw.duration_s,
        published_at=published[0],
        published_fraction_us=published[1],
        explicit=raw.explicit,
        min_age=age,
        availability=EVERYWHERE if raw.availability is None else _windows(raw.availability, faults),
        popularity=raw.popularity,
        extra=_extra(raw.extra, faults) if raw.extra else {},
    )
    if faults:
        raise RowProblem.of(faults, item)
    return item


CATALOGUE_PARSER: RowParser[RawItem, Item] = RowParser(
    name="a catalogue row",
    raw=RawItem,
    build=_item,
    required=("id", "kind", "title", "creator"),
    expected=EXPECTED_FIELDS,
    cells={
        "creators": "list",
        "chapters": "json",
        "tags": "list",
        "duration_s": "number",
        "explicit": "flag",
        "min_age": "number",
        "availability": "json",
        "popularity": "number",
        "extra": "json",
    },
    keep_digits=("extra",),
)
