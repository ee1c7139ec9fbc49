"""The export of ListenBrainz: `listens/YEAR/MONTH.jsonl`, one listen a line, in a zip file or a folder.

Fields: "JSON documentation", listenbrainz.readthedocs.io. What was loved or hated (`feedback.jsonl`) is not read.
"""

from pathlib import Path, PurePosixPath

from msgspec import Struct

from embedding.importers.listens.listen import Listen, ListenFormat, Records
from embedding.rows.readers_jsonl import read_jsonl
from embedding.rows.rejects import shown
from embedding.rows.row_parser import RowParser, RowProblem

_NO_LISTENS = ("feedback", "pinned_recording", "user")


class _Info(Struct):
    recording_mbid: str | None = None
    isrc: str | None = None


class _Mapping(Struct):
    recording_mbid: str | None = None


class _Metadata(Struct):
    artist_name: str | None = None
    track_name: str | None = None
    release_name: str | None = None
    additional_info: _Info | None = None
    mbid_mapping: _Mapping | None = None


class _Line(Struct):
    listened_at: int | None = None
    track_metadata: _Metadata | None = None
    inserted_at: int | float | str | None = None
    recording_msid: str | None = None
    user_name: str | None = None
    user_id: int | str | None = None


def _listen(line: _Line) -> Listen:
    if line.listened_at is None or not 0 < line.listened_at < 2**33:
        raise RowProblem("listened_at", "seconds (not milliseconds) since 1970", shown(line.listened_at))
    metadata = line.track_metadata or _Metadata()
    info, mapping = metadata.additional_info or _Info(), metadata.mbid_mapping or _Mapping()
    return Listen(
        kind="track",
        title=metadata.track_name or "",
        creator=metadata.artist_name or "",
        album=metadata.release_name or "",
        isrc=info.isrc or "",
        # What the player sent goes before what ListenBrainz found by the names.
        mbid=info.recording_mbid or mapping.recording_mbid or "",
        at_s=float(line.listened_at),
    )


_IDS = {
    "track_metadata.additional_info": "an object",
    "track_metadata.mbid_mapping": "an object",
    "track_metadata.additional_info.isrc": "an ISRC as text",
    "track_metadata.additional_info.recording_mbid": "a MusicBrainz id as text",
    "track_metadata.mbid_mapping.recording_mbid": "a MusicBrainz id as text",
}
_LINES: RowParser[_Line, Listen] = RowParser(
    name="a listen",
    raw=_Line,
    build=_listen,
    required=("listened_at", "track_metadata"),
    expected={
        **dict.fromkeys(_Line.__struct_fields__, "text"),
        **{f"track_metadata.{name}": "text" for name in ("artist_name", "track_name", "release_name")},
        **_IDS,
        "listened_at": "seconds since 1970",
        "track_metadata": "an object with artist_name and track_name",
    },
    cells={},
)


class ListenBrainz(ListenFormat):
    """What one account submitted; players submit a track that was heard to its half, or four minutes."""

    name = "listenbrainz"
    about = "The export of one ListenBrainz account, a zip file or a folder."
    files = "listens/YEAR/MONTH.jsonl (or other *.jsonl)"

    def reads(self, path: str) -> bool:
        """As `ListenFormat`."""
        name = PurePosixPath(path).name
        return name.endswith((".jsonl", ".jsonl.gz")) and not name.startswith(_NO_LISTENS)

    def records(self, path: Path) -> Records[Listen]:
        """As `ListenFormat`."""
        return read_jsonl(path, _LINES)
