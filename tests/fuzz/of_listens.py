"""Readers of listens as services export them, and of zip files that hold them."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import strategies as st

from embedding.errors import NearfieldError
from embedding.importers.listens.import_listens import import_listens
from embedding.importers.listens.registry import LISTEN_FORMATS
from embedding.progress import Reporter
from embedding.rows.rejects import Rejects
from embedding.rows.row_parser import RowProblem
from embedding.rows.streams import FileDamage
from tests.embedding.importers.listens.test_import_listens import HEADER, LISTEN, STREAM
from tests.embedding.rows.row_cases import jsonl
from tests.fuzz.counting import entries_of_json, lines_of_json, rows_of_csv
from tests.fuzz.drawn import (
    csv_files,
    edited,
    json_files,
    json_lines,
    nested,
    numbers,
    pieces_of,
    plain,
    spoilt,
    times,
    words,
)
from tests.fuzz.reader import FuzzReader, expect
from tests.fuzz.seeds import GOOD_ROWS

_QUIET = Reporter("none")
_NAME = "Streaming_History_Audio_2024_0.json"
_TRACK = {
    "name": "One Drop",
    "artist": {"#text": "The Paper Anchors", "mbid": ""},
    "album": {"#text": "Tides", "mbid": ""},
    "mbid": "",
    "date": {"uts": "1717178400", "#text": "31 May 2024, 18:00"},
    "@attr": {"nowplaying": "false"},
}
_LISTEN = LISTEN | {"track_metadata": {"artist_name": "The Paper Anchors", "track_name": "One Drop"}}
_PAGE = {"recenttracks": {"track": [_TRACK, _TRACK], "@attr": {"page": "1"}}}
_SCROBBLES = f"{HEADER}1717178400,,The Paper Anchors,,Tides,,One Drop,\n0,,Ada,,,,Two,\n".encode()
_tracks = st.fixed_dictionaries(
    {"name": words | plain, "artist": st.fixed_dictionaries({"#text": words | plain}) | plain},
    optional={
        "date": st.fixed_dictionaries({"uts": words | numbers}) | plain,
        "album": nested,
        "image": nested,
        "mbid": plain,
    },
)


def _zipped(data: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"../{_NAME}", data)
    return sink.getvalue()


def _export(name: str, file: str, count: Callable[[bytes], int | None]) -> Callable[[bytes, Path], None]:
    of = LISTEN_FORMATS[name]

    def read(data: bytes, folder: Path) -> None:
        path = folder / file
        path.write_bytes(data)
        good = bad = 0
        for _, _, outcome in of.records(path):
            good, bad = (good, bad + 1) if isinstance(outcome, RowProblem) else (good + 1, bad)
        expected = count(data)
        expect(expected in (None, good + bad), f"{expected} listens went in, {good + bad} came out")
        _import(name, path, folder, good, bad)

    return read


def _import(name: str, path: Path, folder: Path, good: int | None = None, bad: int | None = None) -> None:
    """The whole import, which agrees with what the reader alone gave."""
    catalogue = folder / "catalogue.jsonl"
    catalogue.write_bytes(jsonl(GOOD_ROWS))
    with Rejects(folder / "rejects.jsonl") as rejects, Rejects(folder / "catalogue.rejects.jsonl") as of_catalogue:
        try:
            import_listens(
                name,
                path,
                folder / "out",
                catalogue=catalogue,
                user_id="u-1",
                rejects=rejects,
                catalogue_rejects=of_catalogue,
                max_reject_share=1.0,
                reporter=_QUIET,
            )
        finally:
            counts = rejects.accepted, rejects.rejected
            expect(
                good is None or counts == (good, bad), f"{good}, {bad} listens by the reader, {counts} by the import"
            )


def _zip(data: bytes, folder: Path) -> None:
    path = folder / "my_spotify_data.zip"
    path.write_bytes(data)
    _import("spotify_history", path, folder)
    expect(sorted(one.name for one in folder.parent.glob(_NAME)) == [], "a file outside the folder")


def _tracks_of(data: bytes) -> int | None:
    return None if b"recenttracks" in data else entries_of_json(data)


_ERRORS = (NearfieldError, FileDamage)
_STREAMS, _PAGES = json.dumps([STREAM, STREAM]).encode(), json.dumps(_PAGE).encode()
_streams = st.fixed_dictionaries(
    {"ts": times, "ms_played": numbers | plain},
    optional={name: plain for name in STREAM if name not in ("ts", "ms_played")},
)
_listens = st.fixed_dictionaries(
    {"listened_at": numbers | plain, "track_metadata": st.dictionaries(words, plain, max_size=2) | nested}
) | st.dictionaries(st.sampled_from(sorted(LISTEN)), nested, max_size=4)
READERS = (
    FuzzReader(
        "spotify_history",
        _export("spotify_history", _NAME, entries_of_json),
        lambda: [_STREAMS],
        json_files(_streams) | edited([_STREAMS], pieces_of(_STREAMS.decode())),
        _ERRORS,
    ),
    FuzzReader(
        "lastfm json",
        _export("lastfm", "tracks.json", _tracks_of),
        lambda: [_PAGES, json.dumps([_PAGE]).encode(), json.dumps([_TRACK]).encode()],
        json_files(_tracks) | edited([_PAGES], pieces_of(_PAGES.decode())),
        _ERRORS,
    ),
    FuzzReader(
        "lastfm csv",
        _export("lastfm", "scrobbles.csv", rows_of_csv),
        lambda: [_SCROBBLES],
        spoilt(csv_files(HEADER.strip().split(","))),
        _ERRORS,
    ),
    FuzzReader(
        "listenbrainz",
        _export("listenbrainz", "5.jsonl", lines_of_json),
        lambda: [jsonl([_LISTEN, _LISTEN])],
        spoilt(json_lines(_listens)),
        _ERRORS,
    ),
    FuzzReader("zip", _zip, lambda: [_zipped(_STREAMS)], spoilt(json_files(_streams).map(_zipped))),
)
