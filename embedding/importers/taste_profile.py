"""The Echo Nest Taste Profile, or a part of it: songs as items, play counts as weights.

`songs.csv`: song_id, title, release, artist_name, year (0 = not known). `interactions.csv`: user_id, song_id,
play_count.
"""

from collections.abc import Sequence

from msgspec import Struct

from embedding.importers.import_job import ImportJob, ItemIds
from embedding.importers.importer import Importer
from embedding.rows.catalogue_parser import CATALOGUE_PARSER
from embedding.rows.interaction_parser import INTERACTION_PARSER
from embedding.rows.readers_csv import read_csv
from embedding.rows.row_parser import RowParser
from embedding.rows.schema import Interaction, Item

UNKNOWN_CREATOR = "unknown"


class _Song(Struct):
    song_id: str | None = None
    title: str | None = None
    release: str | None = None
    artist_name: str | None = None
    year: int | None = None


class _Play(Struct):
    user_id: str | None = None
    song_id: str | None = None
    play_count: float | None = None


def _item(song: _Song) -> Item:
    fields = {
        "id": song.song_id,
        "kind": "track",
        # One song has no title.
        "title": song.title or song.song_id,
        "creator": song.artist_name or UNKNOWN_CREATOR,
        "album": song.release,
        # Only the year is known: its first day.
        "published_at": f"{song.year:04d}-01-01" if song.year else None,
    }
    return CATALOGUE_PARSER.from_fields(fields)


def _interaction(play: _Play) -> Interaction:
    return INTERACTION_PARSER.from_fields({"user_id": play.user_id, "item_id": play.song_id, "weight": play.play_count})


_SONGS: RowParser[_Song, Item] = RowParser(
    name="a song",
    raw=_Song,
    build=_item,
    required=("song_id", "title", "artist_name"),
    expected={"year": "a year as a whole number, 0 for not known"},
    cells={"year": "number"},
)
_PLAYS: RowParser[_Play, Interaction] = RowParser(
    name="a play count",
    raw=_Play,
    build=_interaction,
    required=("user_id", "song_id", "play_count"),
    expected={"play_count": "a number"},
    cells={"play_count": "number"},
)


class TasteProfile(Importer):
    """Songs, played or not, and how often each user played each."""

    name = "taste_profile"
    about = "Echo Nest Taste Profile: songs and play counts."

    def run(self, job: ImportJob) -> Sequence[str]:
        """As `Importer`; a song that was played but has no row gets its id as title."""
        ids = ItemIds("song_id")
        unlisted: dict[str, None] = {}
        for item in job.rows("songs.csv", _SONGS, read_csv, ids.check):
            job.write_item(item)
        for play in job.rows("interactions.csv", _PLAYS, read_csv):
            job.write_interaction(play)
            if play.item_id not in ids:
                unlisted[play.item_id] = None
        for song_id in unlisted:
            job.write_item(_item(_Song(song_id=song_id)))
        if not unlisted:
            return []
        known_as = f"their id is their title, their creator {UNKNOWN_CREATOR!r}"
        return [f"{len(unlisted):,} songs were played but have no row: {known_as}"]
