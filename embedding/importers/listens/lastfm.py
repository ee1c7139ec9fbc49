"""Scrobbles of Last.fm: the CSV that exporters write, or pages of its API (`user.getRecentTracks`) as JSON.

CSV: uts, utc_time, artist, artist_mbid, album, album_mbid, track, track_mbid. JSON: one page, a list of pages, or a
list of tracks.
"""

from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
from msgspec import Struct

from embedding.importers.listens.json_list import decoded_list, parsed, read_whole
from embedding.importers.listens.listen import Listen, ListenFormat, Records
from embedding.rows.readers_csv import read_csv
from embedding.rows.rejects import shown
from embedding.rows.row_parser import RowParser, RowProblem
from embedding.rows.streams import FileDamage

_PLAYING_NOW = "playing when the export was made"


class _Row(Struct):
    uts: int | None = None
    utc_time: str | None = None
    artist: str | None = None
    artist_mbid: str | None = None
    album: str | None = None
    album_mbid: str | None = None
    track: str | None = None
    track_mbid: str | None = None


class _Named(Struct):
    text: str | None = msgspec.field(default=None, name="#text")
    # With `extended=1` an artist has a name in place of a text.
    name: str | None = None
    mbid: str | None = None


class _Date(Struct):
    uts: str | int | None = None


class _Attributes(Struct):
    nowplaying: str | None = None


class _Track(Struct):
    name: str | None = None
    artist: _Named | None = None
    album: _Named | None = None
    mbid: str | None = None
    date: _Date | None = None
    attributes: _Attributes | None = msgspec.field(default=None, name="@attr")
    url: str | None = None
    image: Any = None
    streamable: str | None = None
    loved: str | None = None


class _Tracks(Struct):
    track: msgspec.Raw


class _Page(Struct):
    recenttracks: _Tracks


def _of_row(row: _Row) -> Listen:
    return Listen(
        kind="track",
        title=row.track or "",
        creator=row.artist or "",
        album=row.album or "",
        mbid=row.track_mbid or "",
        at_s=_moment(row.uts, "uts"),
    )


def _of_track(track: _Track) -> Listen:
    artist = track.artist or _Named()
    playing = track.attributes is not None and track.attributes.nowplaying == "true"
    return Listen(
        kind="track",
        title=track.name or "",
        creator=artist.text or artist.name or "",
        album=(track.album or _Named()).text or "",
        mbid=track.mbid or "",
        at_s=None if playing or track.date is None else _moment(track.date.uts, "date.uts"),
        left_out=_PLAYING_NOW if playing else None,
    )


def _moment(uts: str | int | None, field: str) -> float | None:
    """Seconds since 1970; None for 0, which stands for a time that Last.fm does not know."""
    if uts is None:
        return None
    try:
        seconds = int(uts)
    except ValueError:
        raise RowProblem(field, "seconds since 1970", shown(uts)) from None
    if not 0 <= seconds < 2**33:
        raise RowProblem(field, "seconds (not milliseconds) since 1970", shown(uts))
    return float(seconds) or None


_ROWS: RowParser[_Row, Listen] = RowParser(
    name="a scrobble",
    raw=_Row,
    build=_of_row,
    required=("uts", "artist", "track"),
    expected={**dict.fromkeys(_Row.__struct_fields__, "text"), "uts": "seconds since 1970"},
    cells={"uts": "number"},
)
_TRACKS: RowParser[_Track, Listen] = RowParser(
    name="a scrobble",
    raw=_Track,
    build=_of_track,
    required=("name", "artist"),
    expected={
        **dict.fromkeys(("name", "mbid", "url", "streamable", "loved"), "text"),
        **dict.fromkeys(("artist", "album"), 'an object such as {"#text": "The Paper Anchors", "mbid": ""}'),
        **{f"{part}.{key}": "text" for part in ("artist", "album") for key in ("#text", "name", "mbid")},
        "date": 'an object such as {"uts": "1700000000"}',
        "date.uts": "seconds since 1970",
        "@attr": 'an object such as {"nowplaying": "true"}',
        "@attr.nowplaying": "true",
        "image": "a list of images",
    },
    cells={},
)


class LastFm(ListenFormat):
    """What one account scrobbled; Last.fm takes a track that was heard to its half, or four minutes."""

    name = "lastfm"
    about = "Scrobbles of one Last.fm account: an exporter's CSV, or the API's JSON."
    files = "*.csv or *.json"

    def reads(self, path: str) -> bool:
        """As `ListenFormat`."""
        return PurePosixPath(path).suffix.lower() in (".csv", ".json")

    def records(self, path: Path) -> Records[Listen]:
        """As `ListenFormat`."""
        if path.suffix.lower() == ".csv":
            return read_csv(path, _ROWS)
        return parsed(_tracks(path, read_whole(path)), _TRACKS)


def _tracks(path: Path, data: bytes | msgspec.Raw) -> list[msgspec.Raw]:
    """The tracks of a page, of a list of pages, or of a list of tracks."""
    if _head(data).lstrip()[:1] == b"[":
        entries = decoded_list(path, data)
        is_of_pages = bool(entries) and b'"recenttracks"' in _head(entries[0])
        return [track for page in entries for track in _tracks(path, page)] if is_of_pages else entries
    try:
        tracks = msgspec.json.decode(data, type=_Page).recenttracks.track
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        expected = 'a page of user.getRecentTracks, {"recenttracks": {"track": [...]}}, or a list of pages or tracks'
        raise FileDamage(None, expected, shown(_head(data)[:60])) from None
    # A page with one track has it without a list around it.
    return decoded_list(path, tracks) if _head(tracks).lstrip()[:1] == b"[" else [tracks]


def _head(data: bytes | msgspec.Raw) -> bytes:
    return bytes(memoryview(data)[:200])
