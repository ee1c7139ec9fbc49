"""Podcast episodes gathered from feeds: `episodes.jsonl`, one object an episode; nobody's listening."""

from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct

from embedding.importers.import_job import ImportJob, ItemIds
from embedding.importers.importer import Importer
from embedding.rows.catalogue_parser import CATALOGUE_PARSER
from embedding.rows.readers_jsonl import read_jsonl
from embedding.rows.row_parser import RowParser
from embedding.rows.row_text import is_language
from embedding.rows.schema import Item


class _Episode(Struct):
    episode_id: str | None = None
    source: str | None = None
    show_id: str | None = None
    show: str | None = None
    title: str | None = None
    description: str | None = None
    language: str | None = None
    categories: list[str | None] | None = None
    published: str | None = None
    duration_s: float | None = None
    explicit: bool | None = None
    guid: str | None = None


class _Read(Struct):
    """An episode, and whether it came with a language that is none."""

    item: Item
    odd_language: bool

    @property
    def id(self) -> str:
        return self.item.id


def bcp47(written: str | None) -> str | None:
    """`written` with the letter case of RFC 5646 (section 2.1.1) and `-` for `_`; None where that is no tag."""
    subtags = (written or "").strip().replace("_", "-").split("-")
    cased = [subtags[0].lower()]
    for before, subtag in pairwise(subtags):
        if len(before) > 1 and len(subtag) == 2:
            cased.append(subtag.upper())
        elif len(before) > 1 and len(subtag) == 4:
            cased.append(subtag.title())
        else:
            cased.append(subtag.lower())
    tag = "-".join(cased)
    return tag if is_language(tag) else None


def _episode(row: _Episode) -> _Read:
    language = bcp47(row.language)
    fields = {
        "id": row.episode_id,
        "kind": "episode",
        "title": row.title,
        "creator": row.show,
        "text": row.description or None,
        "tags": [name for name in row.categories or [] if name and name.strip()],
        "language": language,
        "published_at": row.published,
        "duration_s": row.duration_s,
        "explicit": row.explicit,
        # Two shows may share a title.
        "extra": {"show_id": row.show_id} if row.show_id else None,
    }
    return _Read(CATALOGUE_PARSER.from_fields(fields), language is None and bool((row.language or "").strip()))


_EPISODES: RowParser[_Episode, _Read] = RowParser(
    name="an episode",
    raw=_Episode,
    build=_episode,
    required=("episode_id", "show", "title"),
    expected={
        **dict.fromkeys(("episode_id", "source", "show_id", "show", "title", "description", "guid"), "text"),
        "language": "text such as it-it",
        "categories": "a list of words",
        "categories[]": "a word",
        "published": "a time as text",
        "duration_s": "seconds as a number",
        "explicit": "true, false or null",
    },
    cells={},
)


class PodcastEpisodes(Importer):
    """Episodes with their show as creator and its categories as tags; an `explicit` of null stays not known."""

    name = "podcast_episodes"
    about = "Podcast episodes gathered from feeds; no interactions."
    has_interactions = False

    def run(self, job: ImportJob) -> Sequence[str]:
        """As `Importer`; a language that is no BCP 47 tag is left out of its row."""
        ids = ItemIds("episode_id")
        num_odd = 0
        for read in job.rows("episodes.jsonl", _EPISODES, read_jsonl, ids.check):
            num_odd += read.odd_language
            job.write_item(read.item)
        return [f"{num_odd:,} episodes had a language that is no BCP 47 tag: left out"] if num_odd else []
