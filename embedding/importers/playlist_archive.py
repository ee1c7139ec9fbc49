"""A playlist archive: tracks, and playlists that stand in for users.

`tracks.csv`: track_id, title, artists (`;` between), album, duration_s. `playlist_tracks.csv`: playlist_id, track_id,
added, removed. Names of playlists are not text about their tracks, so `playlists.csv` is not read.
"""

from collections.abc import Sequence

from msgspec import Struct

from embedding.importers.import_job import ImportJob, ItemIds
from embedding.importers.importer import Importer
from embedding.rows.catalogue_parser import CATALOGUE_PARSER
from embedding.rows.interaction_parser import INTERACTION_PARSER
from embedding.rows.readers_csv import read_csv
from embedding.rows.rejects import Fault, shown
from embedding.rows.row_parser import RowParser
from embedding.rows.schema import Interaction, Item

UNKNOWN_CREATOR = "unknown"


class _Track(Struct):
    track_id: str | None = None
    title: str | None = None
    artists: str | None = None
    album: str | None = None
    duration_s: float | None = None


class _Membership(Struct):
    playlist_id: str | None = None
    track_id: str | None = None
    added: str | None = None
    removed: str | None = None


def _item(track: _Track) -> Item:
    artists = [name.strip() for name in (track.artists or "").split(";") if name.strip()]
    fields = {
        "id": track.track_id,
        "kind": "track",
        "title": track.title,
        "creator": artists[0] if artists else UNKNOWN_CREATOR,
        "creators": artists if len(artists) > 1 else None,
        "album": track.album,
        "duration_s": track.duration_s,
    }
    return CATALOGUE_PARSER.from_fields(fields)


def _interaction(membership: _Membership) -> Interaction:
    return INTERACTION_PARSER.from_fields(
        {"user_id": membership.playlist_id, "item_id": membership.track_id, "at": membership.added}
    )


_TRACKS: RowParser[_Track, Item] = RowParser(
    name="a track",
    raw=_Track,
    build=_item,
    required=("track_id", "title", "artists"),
    expected={"duration_s": "seconds as a number"},
    cells={"duration_s": "number"},
)
_MEMBERSHIPS: RowParser[_Membership, Interaction] = RowParser(
    name="a track on a playlist",
    raw=_Membership,
    build=_interaction,
    required=("playlist_id", "track_id", "added"),
    expected={},
    cells={},
)


class PlaylistArchive(Importer):
    """Tracks, and one interaction for each time that a track came onto a playlist (twice if it left and came back)."""

    name = "playlist_archive"
    about = "Tracks, and playlists that stand in for users."

    def run(self, job: ImportJob) -> Sequence[str]:
        """As `Importer`; a track without artists has the creator "unknown"."""
        ids = ItemIds("track_id")
        num_nameless = 0

        def is_track(row: Interaction) -> Fault | None:
            return None if row.item_id in ids else Fault("track_id", "a track of tracks.csv", shown(row.item_id))

        for item in job.rows("tracks.csv", _TRACKS, read_csv, ids.check):
            num_nameless += item.creator == UNKNOWN_CREATOR
            job.write_item(item)
        for row in job.rows("playlist_tracks.csv", _MEMBERSHIPS, read_csv, is_track):
            job.write_interaction(row)
        return [f"{num_nameless:,} tracks name no artist: creator {UNKNOWN_CREATOR!r}"] if num_nameless else []
