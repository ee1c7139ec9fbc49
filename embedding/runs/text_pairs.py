"""Text pairs for fine-tuning, from a catalogue: title and text, a passage and the next, creator and text."""

import hashlib
import random
import re
from collections.abc import Iterable, Iterator
from html import unescape
from itertools import pairwise
from operator import itemgetter

from msgspec import Struct

from embedding.rows.schema import Item
from embedding.text.passages import passage_text, passages_of

# One show, or one creator's tracks, in this many is held out, whole.
_HELD_OUT = 5
# Descriptions shorter than this say little that the title does not.
_LEAST_CHARS = 80
# Of an item's passages, as many are paired with the next one.
_PASSAGES = 2
_MARKUP = re.compile(r"<[^>]{1,500}>")
_LINK = re.compile(r"(?:https?://|www\.)\S+")
_BLANK = re.compile(r"\s+")


class TextPair(Struct, frozen=True):
    """A shorter text and a longer one that it should find; `item`, `creator` and `language` say what they are from.

    `is_passage`: both are passages of one item.
    """

    query: str
    document: str
    item: str
    creator: str
    language: str
    is_passage: bool = False


def is_held_out(creator: str) -> bool:
    """Whether all items of a creator test: one creator in five, by a hash of the name."""
    return hashlib.sha256(creator.casefold().encode()).digest()[0] % _HELD_OUT == 0


def title_pair(item: Item) -> TextPair | None:
    """An item's title, and its text without the title, markup and links; None where too little is left."""
    text = _plain(item.text or "")
    title = _plain(item.title)
    rest = _BLANK.sub(" ", re.sub(re.escape(title), " ", text, flags=re.IGNORECASE)).strip() if title else ""
    return _pair(title, rest, item) if len(rest) >= _LEAST_CHARS else None


def training_pairs(items: Iterable[Item]) -> Iterator[TextPair]:
    """Title and text, one passage and the next, and once a creator its name and a text, of the items not held out."""
    named: set[str] = set()
    for item in items:
        if is_held_out(item.creator):
            continue
        own = title_pair(item)
        if own is not None:
            yield own
            if item.creator not in named:
                named.add(item.creator)
                yield _pair(item.creator, own.document, item)
        passages = passages_of(item)[: _PASSAGES + 1]
        for first, second in pairwise(passages):
            yield _pair(passage_text(item, first), _plain((item.text or "")[second.start : second.end]), item, True)


def sample_evenly(pairs: Iterable[TextPair], number: int, seed: int) -> list[TextPair]:
    """At most `number` of the pairs, shuffled: one of each creator, then another of each, and so on; passages last.

    A show of a thousand episodes, each with the same words about itself, would teach little else than itself. A pair
    of passages takes twice the time of a title and its text, and teaches less (docs/log.md).
    """
    draw = random.Random(seed)
    by_creator: dict[str, list[TextPair]] = {}
    for pair in pairs:
        by_creator.setdefault(pair.creator, []).append(pair)
    for own in by_creator.values():
        draw.shuffle(own)
    placed = [(pair.is_passage, place, pair) for own in by_creator.values() for place, pair in enumerate(own)]
    # Else those that come first in the catalogue would be drawn where there are more creators than pairs.
    draw.shuffle(placed)
    placed.sort(key=itemgetter(0, 1))
    chosen = [pair for _, _, pair in placed[:number]]
    draw.shuffle(chosen)
    return chosen


def _pair(query: str, document: str, item: Item, is_passage: bool = False) -> TextPair:
    language = "unknown" if item.language is None else item.language.split("-")[0].lower()
    return TextPair(query, document, item.id, item.creator, language, is_passage)


def _plain(text: str) -> str:
    return _BLANK.sub(" ", _LINK.sub(" ", _MARKUP.sub(" ", unescape(text)))).strip()
