"""The catalogue row: its fields as written, checked, and the Item that they make."""

import math
from functools import lru_cache
from typing import Any

from embedding.rows.catalogue_fields import EXPECTED_FIELDS, EXPECTED_WINDOWS, RawChapter, RawItem, RawWindow
from embedding.rows.markets import expected_market, is_market
from embedding.rows.rejects import shown
from embedding.rows.row_parser import RowParser, RowProblem
from embedding.rows.row_text import is_blank, is_id, is_language
from embedding.rows.schema import EVERYWHERE, Chapter, Item, Window
from embedding.rows.times import EXPECTED_TIME, epoch_us

_US = 1_000_000
# The same few dates bound most windows.
_bound_us = lru_cache(maxsize=16_384)(epoch_us)


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
        raise RowProblem("availability", EXPECTED_WINDOWS, "an empty list")
    return tuple(windows)


def _window_problem(before: list[Window], name: str, came: object, expected: str) -> RowProblem:
    return RowProblem(f"availability[{len(before)}].{name}", expected, shown(came))


def _chapters(raw: list[RawChapter | None]) -> tuple[Chapter, ...]:
    chapters: list[Chapter] = []
    for written in raw:
        if written is None:
            continue
        start_s, title, place = written.start_s, written.title, f"chapters[{len(chapters)}]"
        if start_s is None or (chapters and start_s < chapters[-1].start_s):
            raise RowProblem(f"{place}.start_s", EXPECTED_FIELDS["chapters[].start_s"], shown(start_s))
        if title is None or is_blank(title):
            raise RowProblem(f"{place}.title", EXPECTED_FIELDS["chapters[].title"], shown(title))
        chapters.append(Chapter(start_s, title))
    return tuple(chapters)


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
        raise RowProblem("id", EXPECTED_FIELDS["id"], shown(item_id))
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
            raise RowProblem("min_age", EXPECTED_FIELDS["min_age"], shown(age))
        age = int(age)
    return Item(
        id=item_id,
        kind=kind,
        title=title,
        creator=creator,
        creators=_words("creators", raw.creators) if raw.creators else (),
        text=raw.text,
        chapters=_chapters(raw.chapters) if raw.chapters else (),
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
)
