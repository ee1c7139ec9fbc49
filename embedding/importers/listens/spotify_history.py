"""Spotify's extended streaming history: `Streaming_History_Audio_*.json`, lists of what was streamed and for how long.

The older name of the same files is `endsong_*.json`. Fields: "Understanding my data", support.spotify.com.
"""

from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from msgspec import Struct

from embedding.importers.listens.json_list import read_json_list
from embedding.importers.listens.listen import Listen, ListenFormat, Records
from embedding.rows.rejects import shown
from embedding.rows.row_parser import RowParser, RowProblem
from embedding.rows.times import EXPECTED_TIME, epoch_us

# From here on Spotify counts a stream.
_STREAM_MS = 30_000
_SKIPPED = frozenset({"fwdbtn"})
_TO_ITS_END = "trackdone"


class _Stream(Struct):
    ts: str | None = None
    ms_played: int | None = None
    master_metadata_track_name: str | None = None
    master_metadata_album_artist_name: str | None = None
    master_metadata_album_album_name: str | None = None
    spotify_track_uri: str | None = None
    episode_name: str | None = None
    episode_show_name: str | None = None
    spotify_episode_uri: str | None = None
    audiobook_title: str | None = None
    reason_start: str | None = None
    reason_end: str | None = None
    skipped: bool | None = None
    incognito_mode: bool | None = None


def _listen(stream: _Stream) -> Listen:
    if stream.ms_played is None:
        raise RowProblem("ms_played", "milliseconds as a whole number", "nothing")
    try:
        at_s = epoch_us(stream.ts or "") / 1e6
    except ValueError:
        raise RowProblem("ts", EXPECTED_TIME, shown(stream.ts)) from None
    weight, left_out = _taste(stream, stream.ms_played)
    if stream.episode_name or stream.episode_show_name:
        return Listen(
            kind="episode",
            title=stream.episode_name or "",
            creator=stream.episode_show_name or "",
            at_s=at_s,
            weight=weight,
            left_out=left_out,
        )
    if stream.audiobook_title:
        left_out = "audiobooks"
    return Listen(
        kind="track",
        title=stream.master_metadata_track_name or "",
        creator=stream.master_metadata_album_artist_name or "",
        album=stream.master_metadata_album_album_name or "",
        at_s=at_s,
        weight=weight,
        left_out=left_out,
    )


def _taste(stream: _Stream, ms_played: int) -> tuple[float, str | None]:
    """The weight of a stream, and why it is left out, if it is."""
    if stream.incognito_mode:
        return 1.0, "private sessions"
    if ms_played >= _STREAM_MS or stream.reason_end == _TO_ITS_END:
        return 1.0, None
    if stream.skipped or stream.reason_end in _SKIPPED:
        return -1.0, None
    return 1.0, "under 30 seconds and not skipped"


_STREAMS: RowParser[_Stream, Listen] = RowParser(
    name="a stream",
    raw=_Stream,
    build=_listen,
    required=("ts", "ms_played"),
    expected={
        **{name: "text" for name in _Stream.__struct_fields__ if name not in ("ms_played", "skipped")},
        "ms_played": "milliseconds as a whole number",
        "skipped": "true, false or null",
        "incognito_mode": "true, false or null",
    },
    cells={},
)


class SpotifyHistory(ListenFormat):
    """What one account streamed: 30 seconds count as a listen, less counts as a skip where it was skipped."""

    name = "spotify_history"
    about = "Spotify's extended streaming history of one account."
    files = "Streaming_History_Audio_*.json (or endsong_*.json)"

    def reads(self, path: str) -> bool:
        """As `ListenFormat`."""
        name = PurePosixPath(path).name
        return fnmatch(name, "Streaming_History_Audio_*.json") or fnmatch(name, "endsong_*.json")

    def records(self, path: Path) -> Records[Listen]:
        """As `ListenFormat`."""
        return read_json_list(path, _STREAMS)
