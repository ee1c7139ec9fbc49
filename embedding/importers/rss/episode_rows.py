"""An episode of a feed, with what was fetched for it, as a catalogue row."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from embedding.importers.rss.chapters import told
from embedding.importers.rss.feed import Feed, FeedEpisode
from embedding.importers.rss.markup import one_line, plain_text
from embedding.importers.rss.show import episode_id, guid_of
from embedding.importers.rss.transcripts import Cue
from embedding.importers.rss.values import explicit_of, published_us, seconds_of
from embedding.rows.catalogue_parser import CATALOGUE_PARSER
from embedding.rows.languages import registered_part
from embedding.rows.names import name_key
from embedding.rows.schema import Chapter, Item
from embedding.rows.times import rfc3339_us

if TYPE_CHECKING:
    from collections import Counter

_MAX_TEXT, _MAX_TAGS, _MAX_TAG = 2_000_000, 500, 200


def episode_item(
    feed: Feed,
    episode: FeedEpisode,
    show: str,
    cues: Sequence[Cue],
    chapters: Sequence[Chapter],
    odd: "Counter[str]",
) -> Item:
    """The row of an episode of `show`; its text is the description, then what was said.

    Counts in `odd`, by field, what was written and could not be read, and so is left out. Raises RowProblem.
    """
    language = episode.language or feed.language
    explicit = explicit_of(episode.explicit or feed.explicit)
    guid = guid_of(episode)
    fields: dict[str, Any] = {
        "id": episode_id(show, guid),
        "kind": "episode",
        "title": one_line(episode.title or ""),
        "creator": one_line(feed.title or ""),
        "text": _text(episode, cues, chapters, odd),
        "chapters": [{"start_s": chapter.start_s, "title": chapter.title} for chapter in chapters],
        "tags": _tags((*episode.categories, *feed.categories)),
        "language": registered_part(language or ""),
        "duration_s": None if episode.duration is None else seconds_of(episode.duration),
        "published_at": _published(episode.published),
        "explicit": explicit,
        # Two shows may share a title; a guid is what the host and players know an episode by.
        "extra": {"show_id": show, "guid": one_line(guid)[:10_000]},
    }
    for name, written in (
        ("language", language),
        ("duration_s", episode.duration),
        ("published_at", episode.published),
        ("explicit", episode.explicit or feed.explicit),
    ):
        odd[name] += bool(written) and fields[name] is None
    return CATALOGUE_PARSER.from_fields(fields)


def _text(episode: FeedEpisode, cues: Sequence[Cue], chapters: Sequence[Chapter], odd: "Counter[str]") -> str | None:
    said = told(cues, chapters)
    if episode.description is None:
        described = ""
    else:
        described = episode.description.text
        if episode.description.is_html:
            described = plain_text(described)
    text = "\n\n".join(part for part in (described, said) if part)
    odd["text"] += len(text) > _MAX_TEXT
    return text[:_MAX_TEXT] or None


def _tags(written: Sequence[str]) -> list[str]:
    """Names of categories in their order, each once, whatever its letter case."""
    names = {name_key(name): name for name in reversed([one_line(name) for name in written]) if name}
    return [name for name in reversed(names.values()) if len(name) <= _MAX_TAG][:_MAX_TAGS]


def _published(written: str | None) -> str | None:
    us = None if written is None else published_us(written)
    return None if us is None else rfc3339_us(us)
