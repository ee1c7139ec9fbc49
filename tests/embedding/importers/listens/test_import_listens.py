"""Exports of listens in the form of real ones, with invented content, by the command: what matches, and what not."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from embedding.commands.import_set import import_
from embedding.errors import NotFoundError, RejectedInputError, UsageError
from embedding.settings import EmbeddingSettings
from tests.embedding.rows.row_cases import write_jsonl

Row = dict[str, Any]
CATALOGUE: list[Row] = [
    {"id": "t1", "kind": "track", "title": "One Drop", "creator": "The Paper Anchors", "album": "Tides"},
    {"id": "t2", "kind": "track", "title": "One Drop", "creator": "The Paper Anchors", "album": "Live"},
    {
        "id": "t3",
        "kind": "track",
        "title": "Ｃafé  Straße",
        "creator": "The Vale",
        "creators": ["The Vale", "The Quills"],
    },
    {
        "id": "t4",
        "kind": "track",
        "title": "Slow Ferry",
        "creator": "Tin Crows",
        "extra": {"isrc": "SE-ABC-24-00017", "mbid": "0F1E2D3C-1111-4222-8333-444455556666"},
    },
    {"id": "e1", "kind": "episode", "title": "Knots", "creator": "At Sea"},
]
STREAM = {
    "ts": "2024-05-31T18:00:00Z",
    "platform": "ios",
    "ms_played": 181_000,
    "conn_country": "SE",
    "ip_addr": "192.0.2.1",
    "master_metadata_track_name": "One Drop",
    "master_metadata_album_artist_name": "The Paper Anchors",
    "master_metadata_album_album_name": "Tides",
    "spotify_track_uri": "spotify:track:0000000000000000000001",
    "episode_name": None,
    "episode_show_name": None,
    "spotify_episode_uri": None,
    "audiobook_title": None,
    "reason_start": "clickrow",
    "reason_end": "trackdone",
    "shuffle": False,
    "skipped": False,
    "offline": False,
    "offline_timestamp": None,
    "incognito_mode": False,
}
LISTEN = {
    "inserted_at": 1_717_178_500,
    "listened_at": 1_717_178_400,
    "recording_msid": "c2c0a9a1-0000-4000-8000-000000000000",
    "user_name": "ada",
    "track_metadata": {
        "artist_name": "Someone Else",
        "track_name": "Another Spelling",
        "additional_info": {"media_player": "Player", "tracknumber": "3"},
        "mbid_mapping": {"recording_mbid": "0f1e2d3c-1111-4222-8333-444455556666", "artists": []},
    },
}
HEADER = "uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid\n"


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    return write_jsonl(tmp_path / "catalogue.jsonl", CATALOGUE)


def stream(**changed: Any) -> Row:
    return STREAM | {"ts": "2024-05-31T18:00:00Z", **changed}


def listened(**metadata: Any) -> Row:
    return LISTEN | {"track_metadata": metadata}


def typed(catalogue: Path, name: str, source: Path, *options: str) -> Result:
    folder = catalogue.parent
    arguments = [name, str(source), str(folder / "out"), "--catalogue", str(catalogue), "--user", "u-1", *options]
    settings = EmbeddingSettings(data_dir=folder / ".nearfield")
    return CliRunner().invoke(import_, arguments, obj=settings, standalone_mode=False)


def imported(catalogue: Path, name: str, source: Path) -> tuple[Row, list[Row], list[Row]]:
    """What was told, the interactions and the unmatched."""
    result = typed(catalogue, name, source, "--json")
    assert result.exception is None, result.exception
    interactions, unmatched = (
        [json.loads(line) for line in (catalogue.parent / "out" / file).read_text().splitlines()]
        for file in ("interactions.jsonl", "unmatched.jsonl")
    )
    return dict(json.loads(result.stdout)), interactions, unmatched


def spotify(tmp_path: Path, *streams: Row) -> Path:
    folder = tmp_path / "Spotify Extended Streaming History"
    folder.mkdir(exist_ok=True)
    (folder / "Streaming_History_Audio_2024_0.json").write_text(json.dumps(streams))
    (folder / "Streaming_History_Video_2024.json").write_text("[]")
    (folder / "ReadMeFirst_ExtendedStreamingHistory.pdf").write_bytes(b"%PDF")
    return folder


@pytest.mark.parametrize(
    ("changed", "weight"),
    [
        ({}, None),
        ({"ms_played": 30_000, "reason_end": "fwdbtn", "skipped": True}, None),
        ({"ms_played": 12_000, "reason_end": "trackdone"}, None),
        ({"ms_played": 29_999, "reason_end": "fwdbtn"}, -1),
        ({"ms_played": 3_000, "reason_end": "endplay", "skipped": True}, -1),
    ],
)
def test_what_a_stream_weighs(catalogue: Path, tmp_path: Path, changed: Row, weight: float | None) -> None:
    _, rows, _ = imported(catalogue, "spotify_history", spotify(tmp_path, stream(**changed)))

    expected = {"user_id": "u-1", "item_id": "t1", "at": "2024-05-31T18:00:00Z"}
    assert rows == [expected if weight is None else expected | {"weight": weight}]


def test_streams_that_say_nothing_are_left_out_and_counted(catalogue: Path, tmp_path: Path) -> None:
    source = spotify(
        tmp_path,
        stream(),
        stream(ms_played=9_000, reason_end="logout", skipped=None),
        stream(incognito_mode=True),
        stream(audiobook_title="A Long Book", master_metadata_track_name=None),
    )

    told, rows, unmatched = imported(catalogue, "spotify_history", source)

    assert len(rows) == 1
    assert unmatched == []
    assert told["left_out"] == {"under 30 seconds and not skipped": 1, "private sessions": 1, "audiobooks": 1}


def test_names_match_under_their_key_each_creator_counting_and_kinds_apart(catalogue: Path, tmp_path: Path) -> None:
    none = {"master_metadata_track_name": None, "master_metadata_album_artist_name": None}
    source = spotify(
        tmp_path,
        stream(master_metadata_album_artist_name="THE QUILLS", master_metadata_track_name="café strasse"),
        stream(episode_name="Knots", episode_show_name="at sea", **none),
        stream(master_metadata_album_artist_name="At Sea", master_metadata_track_name="Knots"),
    )

    told, rows, unmatched = imported(catalogue, "spotify_history", source)

    assert [row["item_id"] for row in rows] == ["t3", "e1"]
    assert [(line["kind"], line["title"]) for line in unmatched] == [("track", "Knots")]
    assert told["matched"] == {"names": 2}


def test_of_several_rows_that_of_the_same_album_is_taken_else_the_first_by_id(catalogue: Path, tmp_path: Path) -> None:
    albums = ("live", "Nobody Knows", "Tides")
    source = spotify(tmp_path, *(stream(master_metadata_album_album_name=album) for album in albums))
    ids = []
    for rows in (CATALOGUE, CATALOGUE[::-1]):
        write_jsonl(catalogue, rows)
        told, found, _ = imported(catalogue, "spotify_history", source)
        ids.append([row["item_id"] for row in found])
        assert told["of_several"] == 3

    assert ids == [["t2", "t1", "t1"]] * 2


def test_what_matches_nothing_is_written_with_the_reason_the_most_heard_first(catalogue: Path, tmp_path: Path) -> None:
    artist, title = "master_metadata_album_artist_name", "master_metadata_track_name"
    source = spotify(
        tmp_path,
        stream(),
        stream(**{artist: "Nobody", title: "Nothing"}),
        stream(**{artist: "The Vale", title: "Nothing", "master_metadata_album_album_name": None}),
        stream(**{artist: "Nobody", title: "Nothing", "ts": "2024-06-01T08:00:00Z"}),
        stream(**{artist: None, title: None, "master_metadata_album_album_name": None}),
    )

    told, _, unmatched = imported(catalogue, "spotify_history", source)

    nobody = "the catalogue has nobody of that name"
    assert unmatched[0] == {
        **{"listens": 2, "reason": nobody, "kind": "track", "creator": "Nobody", "title": "Nothing", "album": "Tides"}
    }
    assert [line["listens"] for line in unmatched] == [2, 1, 1]
    assert told["unmatched"] == {
        nobody: 2,
        "the catalogue has the artist or show, and nothing of that title by them": 1,
        "no artist or no title is given": 1,
    }
    shown = typed(catalogue, "spotify_history", source).stdout
    assert f"2 not matched: {nobody}" in shown


def test_listenbrainz_matches_by_isrc_then_mbid_then_names_from_a_zip_file(catalogue: Path, tmp_path: Path) -> None:
    known = {"artist_name": "x", "track_name": "y"}
    files = {
        "user.json": "{}",
        "feedback.jsonl": '{"score": 1}\n',
        "listens/2024/5.jsonl": [
            LISTEN,
            listened(**known, additional_info={"isrc": "seabc2400017", "recording_mbid": "unknown"}),
            listened(artist_name="The Vale", track_name="Café Straße", mbid_mapping=None),
        ],
        "listens/2023/12.jsonl": [listened(**known, additional_info={"recording_mbid": "nobody's"})],
    }
    source = tmp_path / "listenbrainz_ada.zip"
    with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            lines = content if isinstance(content, str) else "".join(json.dumps(row) + "\n" for row in content)
            archive.writestr(name, lines)

    told, rows, unmatched = imported(catalogue, "listenbrainz", source)

    assert [row["item_id"] for row in rows] == ["t4", "t4", "t3"]
    assert {row["at"] for row in rows} == {"2024-05-31T18:00:00Z"}
    assert told["matched"] == {"mbid": 1, "isrc": 1, "names": 1}
    assert [(line["title"], line["mbid"]) for line in unmatched] == [("y", "nobody's")]


def test_lastfm_reads_an_exporters_csv_and_pages_of_the_api(catalogue: Path, tmp_path: Path) -> None:
    mbid = "0f1e2d3c-1111-4222-8333-444455556666"
    csv = tmp_path / "scrobbles.csv"
    csv.write_text(
        f'{HEADER}"1717178400","31 May 2024, 18:00","The Paper Anchors","","Live","","One Drop",""\n'
        f'"0","","x","","","","y","{mbid}"\n'
    )
    track = {"artist": {"mbid": "", "#text": "The Paper Anchors"}, "name": "One Drop", "mbid": "", "url": "https://x"}
    live = track | {"album": {"mbid": "", "#text": "Live"}, "date": {"uts": "1717178400", "#text": "31 May 2024"}}
    now = track | {"@attr": {"nowplaying": "true"}, "image": [{"size": "small", "#text": ""}]}
    by_id = {"artist": {"name": "x"}, "name": "y", "mbid": mbid}
    page = {"recenttracks": {"track": [now, live], "@attr": {"page": "1"}}}
    # The API gives the only track of a page without a list.
    last_page = {"recenttracks": {"track": by_id, "@attr": {"page": "2"}}}
    expected = [
        {"user_id": "u-1", "item_id": "t2", "at": "2024-05-31T18:00:00Z"},
        {"user_id": "u-1", "item_id": "t4"},
    ]

    assert imported(catalogue, "lastfm", csv)[1] == expected
    forms = ([page, last_page], [now, live, by_id])
    for number, form in enumerate(forms):
        path = tmp_path / f"pages-{number}.json"
        path.write_text(json.dumps(form))
        told, rows, _ = imported(catalogue, "lastfm", path)
        assert rows == expected
        assert told["left_out"] == {"playing when the export was made": 1}
    (tmp_path / "one.json").write_text(json.dumps(page))
    assert imported(catalogue, "lastfm", tmp_path / "one.json")[1] == expected[:1]


def test_rows_that_are_none_are_rejects_by_file_and_place(catalogue: Path, tmp_path: Path) -> None:
    bad: dict[str, Row] = {
        "ms_played": stream(ms_played=None),
        "ts": stream(ts="yesterday"),
        "master_metadata_track_name": {key: STREAM[key] for key in ("ts", "ms_played")}
        | {"master_metadata_track_name": 5},
    }
    source = spotify(tmp_path, *[stream()] * 400, *bad.values())

    told, rows, _ = imported(catalogue, "spotify_history", source)

    rejects = tmp_path / ".nearfield" / "rejects" / "spotify_history.rejects.jsonl"
    places = [(json.loads(line)["line"], json.loads(line)["field"]) for line in rejects.read_text().splitlines()]
    assert places == [(401, "ms_played"), (402, "ts"), (403, "master_metadata_track_name")]
    assert (told["rejected"], len(rows)) == (3, 400)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "an empty file"),
        (b'{"not": "a list"}', "expected a JSON list"),
        (b'[{"ts": "2024', "expected a JSON list"),
        (b"\xff\xfe[]", "expected a JSON list"),
        (b"[]", "not one good row"),
    ],
)
def test_a_file_that_is_no_export_changes_nothing(catalogue: Path, tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "Streaming_History_Audio_1.json"
    path.write_bytes(content)

    result = typed(catalogue, "spotify_history", path)

    assert isinstance(result.exception, RejectedInputError)
    assert words in str(result.exception)
    assert not (tmp_path / "out" / "interactions.jsonl").exists()


def test_a_damaged_zip_file_and_a_folder_of_something_else_are_named(catalogue: Path, tmp_path: Path) -> None:
    archive = tmp_path / "export.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("listens/1.jsonl", "x" * 5_000)
    content = bytearray(archive.read_bytes())
    content[45:55] = b"damagedbit"
    archive.write_bytes(content)

    damaged = typed(catalogue, "listenbrainz", archive).exception
    elsewhere = typed(catalogue, "spotify_history", tmp_path / "nowhere").exception
    empty = tmp_path / "empty"
    empty.mkdir()
    other = typed(catalogue, "spotify_history", empty).exception

    assert isinstance(damaged, RejectedInputError)
    assert "a zip file that can be read" in str(damaged)
    assert isinstance(elsewhere, NotFoundError)
    assert isinstance(other, NotFoundError)
    assert "Streaming_History_Audio_*.json" in str(other)


@pytest.mark.parametrize(
    ("packing", "spoil"),
    [
        (zipfile.ZIP_DEFLATED, lambda data: data[40:]),
        (zipfile.ZIP_DEFLATED, lambda data: data.replace("é".encode(), b"\xf8\xf8")),
        (zipfile.ZIP_LZMA, lambda data: data[:60] + b"damaged" + data[67:]),
        (zipfile.ZIP_BZIP2, lambda data: data[:60] + b"damaged" + data[67:]),
    ],
    ids=["without its beginning", "a name that is not UTF-8", "damaged LZMA", "damaged bzip2"],
)
def test_a_zip_file_that_is_damaged_elsewhere_is_refused(
    catalogue: Path, tmp_path: Path, packing: int, spoil: Callable[[bytes], bytes]
) -> None:
    archive = tmp_path / "export.zip"
    with zipfile.ZipFile(archive, "w", packing) as file:
        file.writestr("listens/é.jsonl", json.dumps(LISTEN))
    archive.write_bytes(spoil(archive.read_bytes()))

    error = typed(catalogue, "listenbrainz", archive).exception

    assert isinstance(error, RejectedInputError)
    assert "a zip file that can be read" in str(error)


def test_what_has_no_name_in_a_zip_file_is_passed_over(catalogue: Path, tmp_path: Path) -> None:
    archive = tmp_path / "export.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("x", "not a listen")
        file.writestr("listens/1.jsonl", json.dumps(LISTEN))
    # The name's length is set to nothing in the list of members, and the name taken out of it.
    data = archive.read_bytes()
    start = data.index(b"PK\x01\x02")
    listed = data[start : start + 28] + b"\0\0" + data[start + 30 : start + 46] + data[start + 47 :]
    end = listed.rindex(b"PK\x05\x06")
    size = (int.from_bytes(listed[end + 12 : end + 16], "little") - 1).to_bytes(4, "little")
    archive.write_bytes(data[:start] + listed[: end + 12] + size + listed[end + 16 :])

    told, _, _ = imported(catalogue, "listenbrainz", archive)
    assert told["interactions"] + sum(told["unmatched"].values()) == 1


def test_an_export_of_another_catalogue_is_refused_with_what_was_heard_most(catalogue: Path, tmp_path: Path) -> None:
    source = spotify(tmp_path, *[stream(master_metadata_track_name="Nothing")] * 3)

    error = typed(catalogue, "spotify_history", source).exception

    assert isinstance(error, RejectedInputError)
    assert "none of 3 listens is of a row of" in str(error)
    assert '"Nothing" by "The Paper Anchors"' in str(error)
    assert not (tmp_path / "out" / "unmatched.jsonl").exists()


def test_interactions_of_others_are_not_overwritten_but_ones_own_are(catalogue: Path, tmp_path: Path) -> None:
    source = spotify(tmp_path, stream())
    (tmp_path / "out").mkdir()
    file = write_jsonl(tmp_path / "out" / "interactions.jsonl", [{"user_id": "u-2", "item_id": "t1"}])
    before = file.read_text()

    error = typed(catalogue, "spotify_history", source).exception
    assert isinstance(error, UsageError)
    assert '"u-2"' in str(error)
    assert file.read_text() == before

    write_jsonl(file, [{"user_id": "u-1", "item_id": "t1"}] * 5)
    assert len(imported(catalogue, "spotify_history", source)[1]) == 1


def test_listens_need_a_catalogue_and_a_user_and_data_sets_take_none(catalogue: Path, tmp_path: Path) -> None:
    def error_of(*arguments: str) -> BaseException | None:
        settings = EmbeddingSettings(data_dir=tmp_path / ".nearfield")
        return CliRunner().invoke(import_, arguments, obj=settings, standalone_mode=False).exception

    assert str(error_of("lastfm", "x.csv", "out")) == "Missing parameter: catalogue"
    assert str(error_of("lastfm", "x.csv", "out", "--catalogue", str(catalogue))) == "Missing parameter: user_id"
    given = ("--catalogue", str(catalogue), "--user", "u")
    assert "No such option '--catalogue'" in str(error_of("taste_profile", "x", "out", *given))
    assert "expected" in str(typed(catalogue, "lastfm", tmp_path, "--user", " ").exception)
    misspelt = str(error_of("spotify", "x", "out"))
    assert "spotify_history, lastfm, listenbrainz" in misspelt
