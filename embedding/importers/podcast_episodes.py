"""Podcast episodes gathered from feeds: `episodes.jsonl`, one object an episode; nobody's listening."""

from collections.abc import Sequence

from msgspec import Struct

from embedding.importers.import_job import ImportJob, ItemIds
from embedding.importers.importer import Importer
from embedding.rows.catalogue_parser import CATALOGUE_PARSER
from embedding.rows.languages import canonical, registered_part
from embedding.rows.readers_jsonl import read_jsonl
from embedding.rows.row_parser import RowParser
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
    """An episode, and whether it came with a language that is no registered tag."""

    item: Item
    odd_language: bool

    @property
    def id(self) -> str:
        return self.item.id


def _episode(row: _Episode) -> _Read:
    written = (row.language or "").strip()
    language = registered_part(written)
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
    is_odd = written != "" and canonical(written.replace("_", "-")) is None
    return _Read(CATALOGUE_PARSER.from_fields(fields), is_odd)


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
        """As `Importer`; of a language that is no registered tag only the part that is one is kept."""
        ids = ItemIds("episode_id")
        num_odd = 0
        for read in job.rows("episodes.jsonl", _EPISODES, read_jsonl, ids.check):
            num_odd += read.odd_language
            job.write_item(read.item)
        return (
            [f"{num_odd:,} episodes had a language that is no registered tag: cut to what is one, or left out"]
            if num_odd
            else []
        )
