"""Passages: where a long text is cut so that the text encoder reads each part whole, and what it reads of each."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from embedding.rows.schema import Item
from embedding.text.item_text import item_text

# The packaged encoder reads 256 tokens. Its tokens are those of English, 4.3 bytes of UTF-8 each; 99 of 100 real texts
# of any language give it 2.8 and more (docs/log.md). An item's text up to here is read as a whole:
_READ_BYTES = 720
# and so is a passage with the title before it.
_PASSAGE_BYTES, _TITLE_BYTES = 600, 120
# A passage of a third of that says little by itself.
_LEAST = 3
_BLANK = re.compile(r"\s*")
_LINE = re.compile(r"[^\n]+")
# Where a text may be cut, the best first: after a paragraph, a sentence, a word.
_BORDERS = (
    re.compile(r"\n\s*"),
    re.compile(r"[.!?…]+[\"'”’»)\]]*\s+|[。！？]+[」』）]*\s*"),
    re.compile(r"\s+"),
)


class Passage(NamedTuple):
    """A part of an item's `text`, by characters: `text[start:end]`."""

    start: int
    end: int


def passages_of(item: Item) -> list[Passage]:
    """The passages of an item's text, in order, none empty; none at all where the encoder reads the text to its end.

    None reaches over the beginning of a chapter, which is a line of the text that is the chapter's title.
    """
    if item.text is None or len(item_text(item).encode()) <= _READ_BYTES:
        return []
    borders = (0, *_chapter_starts(item, item.text), len(item.text))
    return [passage for start, end in pairwise(borders) for passage in _cut(item.text, start, end)]


def passage_text(item: Item, passage: Passage) -> str:
    """What the encoder reads of a passage: the item's title, then the passage itself."""
    text = item.text or ""
    return f"{item.title[: _fitting(item.title, _TITLE_BYTES)]}\n{text[passage.start : passage.end]}"


def opening(text: str) -> str:
    """The first passage of a text, however short the text is; empty where it is nothing but white space."""
    first = next(_cut(text, 0, len(text)), Passage(0, 0))
    return text[first.start : first.end]


def _chapter_starts(item: Item, text: str) -> list[int]:
    """Where the lines begin that are titles of chapters, in the order of the chapters.

    Of several such lines the last one counts: a description that lists the chapters stands before what was said.
    """
    if not item.chapters:
        return []
    places: dict[str, list[int]] = {}
    for place, chapter in enumerate(item.chapters):
        places.setdefault(chapter.title.strip(), []).append(place)
    lines = [(line.start(), of_title) for line in _LINE.finditer(text) if (of_title := places.get(line[0].strip()))]
    starts: list[int] = []
    after = len(item.chapters)
    for start, of_title in reversed(lines):
        before = bisect_left(of_title, after)
        if before:
            after = of_title[before - 1]
            starts.append(start)
    return starts[::-1]


def _cut(text: str, first: int, last: int) -> Iterator[Passage]:
    """The passages of `text[first:last]`."""
    start = min(_after_blank(text, first), last)
    end = start + len(text[start:last].rstrip())
    while start < end:
        room = _fitting(text[start : start + _PASSAGE_BYTES], _PASSAGE_BYTES)
        stop = end if end - start <= room else _border(text, start, room, end)
        yield Passage(start, start + len(text[start:stop].rstrip()))
        start = _after_blank(text, stop)


def _border(text: str, start: int, room: int, end: int) -> int:
    """Where to cut: at a border of the best kind that there is, the one nearest to the end of a full passage, or to the
    middle where less than two passages are left."""
    aim = min(start + room, (start + end) // 2)
    for kind in _BORDERS:
        found = [place.end() for place in kind.finditer(text, start + room // _LEAST, start + room)]
        if found:
            return min(found, key=lambda stop: (end - stop > room, abs(stop - aim)))
    return start + room


def _after_blank(text: str, start: int) -> int:
    """The next character that is not white space."""
    blank = _BLANK.match(text, start)
    return start if blank is None else blank.end()


def _fitting(text: str, num_bytes: int) -> int:
    """How many characters of `text`, from its beginning, have no more UTF-8 bytes than that."""
    return len(text.encode()[:num_bytes].decode(errors="ignore"))
