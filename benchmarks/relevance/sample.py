"""Real episodes for `benchmarks.relevance`: which are candidates, and what is asked for them.

Of the episodes with a description, those of a fifth of the shows, ten a show at most. HTML and links are taken out.
It is a drawn fifth, or the one that `nearfield adapt` holds out. `asked_pools` has pools as that command asks them.
"""

import html
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from embedding.rows.names import name_key
from embedding.rows.schema import Item
from embedding.runs.text_pairs import TextPair, is_held_out, title_pair

LANGUAGES = {"it": "Italian", "en": "English"}
_SEED, _SEED_OF_WHOLE = 0, 7
_MOST_OF_A_SHOW = 10
_MOST_QUERIES = 500
# Descriptions shorter than this say little.
_LEAST_CHARS = 80
# A row needs a title and a creator: these have nothing in them that could be found.
_NO_TITLE = _NO_CREATOR = "–"


class Question(Struct, frozen=True):
    """A text to search for, in a language, and the ids that are right."""

    text: str
    language: str
    right: frozenset[str]


def sample(items: Iterable[Item], *, held_out: bool) -> list[Item]:
    """The candidates, their texts cleaned; none whose text is its title alone."""
    shows: defaultdict[str, list[Item]] = defaultdict(list)
    for item in items:
        if not held_out or is_held_out(item.creator):
            shows[str(item.extra.get("show_id", item.creator))].append(item)
    names = sorted(shows)
    random.Random(_SEED).shuffle(names)
    drawn: list[Item] = []
    for name in names if held_out else names[: len(names) // 5]:
        cleaned = (replace(item, text=_cleaned(item.text or "")) for item in shows[name])
        drawn.extend([item for item in cleaned if without_title(item).text][:_MOST_OF_A_SHOW])
    return drawn


def without_title(item: Item) -> Item:
    """The item with no title, and its title cut out of its text."""
    text = re.sub(re.escape(_cleaned(item.title)), " ", item.text or "", flags=re.IGNORECASE)
    return replace(item, title=_NO_TITLE, text=" ".join(text.split()))


def asked_pools(items: Iterable[Item], *, held_out: bool) -> tuple[list[Item], list[Question]]:
    """Pools of descriptions alone, 500 a language at most, and the title of each: as `nearfield adapt` measures.

    Those of the creators that it holds out, or of all others.
    """
    by_id: dict[str, Item] = {}
    found: defaultdict[str, defaultdict[str, list[TextPair]]] = defaultdict(lambda: defaultdict(list))
    for item in items:
        if is_held_out(item.creator) == held_out and (pair := title_pair(item)) is not None:
            own = found[pair.language][pair.creator]
            if len(own) < _MOST_OF_A_SHOW:
                own.append(pair)
                by_id[item.id] = item
    draw = random.Random(_SEED)
    drawn: list[TextPair] = []
    for language, by_creator in found.items():
        pairs = [pair for own in by_creator.values() for pair in own]
        draw.shuffle(pairs)
        if language in LANGUAGES:
            drawn += pairs[:_MOST_QUERIES]
    nothing_else = {"title": _NO_TITLE, "creator": _NO_CREATOR, "creators": (), "tags": (), "album": None}
    candidates = [replace(by_id[pair.item], text=pair.document, **nothing_else) for pair in drawn]
    return candidates, [Question(pair.query, pair.language, frozenset({pair.item})) for pair in drawn]


def whole_episodes(items: Iterable[Item], most: int, most_of_a_show: Mapping[str, int]) -> list[Item]:
    """Whole episodes whose descriptions have 80 characters or more, `most` of each language that `most_of_a_show`
    names, drawn over all its shows."""
    draw = random.Random(_SEED_OF_WHOLE)
    shows: defaultdict[tuple[str, str], list[Item]] = defaultdict(list)
    for item in items:
        if len(item.text or "") >= _LEAST_CHARS:
            shows[_language(item), item.creator].append(item)
    drawn: list[Item] = []
    for language, of_a_show in most_of_a_show.items():
        names = sorted(name for name in shows if name[0] == language)
        draw.shuffle(names)
        own = [item for name in names for item in draw.sample(shows[name], min(of_a_show, len(shows[name])))]
        draw.shuffle(own)
        drawn += [replace(item, text=_cleaned(item.text or "")) for item in own[:most]]
    return drawn


def titles(items: Sequence[Item]) -> list[Question]:
    """For some items of each language: its title; itself alone is right."""
    return [
        Question(item.title, language, frozenset({item.id}))
        for language in LANGUAGES
        for item in _drawn([item for item in items if _language(item) == language])
    ]


def exact_titles(items: Sequence[Item]) -> list[Question]:
    """As `titles`, and every item of the same title is right; a title of a creator's name asks for something else."""
    names = {name_key(item.creator) for item in items}
    by_title: defaultdict[str, set[str]] = defaultdict(set)
    for item in items:
        by_title[name_key(item.title)].add(item.id)
    return [
        Question(question.text, question.language, frozenset(by_title[name_key(question.text)]))
        for question in titles(items)
        if name_key(question.text) not in names
    ]


def creators(items: Sequence[Item]) -> list[Question]:
    """Each creator's name in the language of most of their items; all their items are right."""
    by_creator: defaultdict[str, list[Item]] = defaultdict(list)
    for item in items:
        by_creator[name_key(item.creator)].append(item)
    asked: list[Question] = []
    for of_creator in by_creator.values():
        language = Counter(map(_language, of_creator)).most_common(1)[0][0]
        if language in LANGUAGES:
            asked.append(Question(of_creator[0].creator, language, frozenset(item.id for item in of_creator)))
    return asked


def _drawn(items: list[Item]) -> list[Item]:
    return random.Random(_SEED).sample(items, min(_MOST_QUERIES, len(items)))


def _language(item: Item) -> str:
    return (item.language or "").split("-")[0].lower()


def _cleaned(text: str) -> str:
    without_tags = html.unescape(re.sub(r"<[^>]+>", " ", text))
    return " ".join(re.sub(r"https?://\S+|www\.\S+", " ", without_tags).split())
