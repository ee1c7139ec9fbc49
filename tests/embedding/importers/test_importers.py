"""Public data sets in small: what each becomes, what is left out and said, and that nothing is half written."""

from pathlib import Path
from typing import Any

import pytest

from embedding.commands.rows import FORMATS
from embedding.errors import NotFoundError, RejectedInputError
from embedding.importers.formats import IMPORTERS, import_set
from embedding.importers.podcast_episodes import bcp47
from embedding.importers.sources import Imported
from embedding.progress import Reporter
from embedding.rows.catalogue import read_catalogue
from embedding.rows.interactions import read_interactions
from embedding.rows.rejects import Rejects
from embedding.rows.schema import Interaction, Item
from tests.embedding.importers.data_sets import (
    hetrec2011_lastfm,
    playlist_archive,
    podcast_episodes,
    taste_profile,
    write,
)


def run(name: str, source: Path, share: float = 0.0) -> tuple[Imported, list[Item], list[Interaction], Rejects]:
    folder = source.with_name(f"{source.name}-rows")
    with Rejects(source.with_name("rejects.out")) as rejects:
        done = import_set(name, source, folder, rejects, share, Reporter("none"))
    strict = Rejects(source.with_name("none.out"))
    items = [item for batch in read_catalogue(folder / "catalogue.jsonl", strict) for item in batch]
    rows: list[Interaction] = []
    if (folder / "interactions.jsonl").exists():
        known = {item.id for item in items}
        for batch in read_interactions(folder / "interactions.jsonl", strict, known.__contains__):
            rows.extend(batch)
    assert strict.rejected == 0
    return done, items, rows, rejects


def test_the_command_knows_every_format() -> None:
    assert tuple(IMPORTERS) == FORMATS


@pytest.mark.parametrize("gz", ["", ".gz"])
def test_playlist_archive(tmp_path: Path, gz: str) -> None:
    done, items, rows, rejects = run("playlist_archive", playlist_archive(tmp_path / "set", gz))
    assert items == [
        Item(id="t1", kind="track", title="One", creator="Solo", album="First", duration_s=60.0),
        Item(id="t2", kind="track", title="Two, too", creator="Ann", creators=("Ann", "Ben", "Cid"), duration_s=61.0),
        Item(id="t3", kind="track", title="Three", creator="unknown", album="First"),
    ]
    assert rows == [
        Interaction("p1", "t1", 1_558_742_400.0),
        Interaction("p1", "t1", 1_577_836_800.0),
        Interaction("p1", "t2", 1_577_923_200.0),
        Interaction("p2", "t3", 1_578_009_600.0),
    ]
    assert done == Imported(3, 4, ("1 tracks name no artist: creator 'unknown'",))
    assert rejects.rejected == 0


def test_bad_rows_of_a_set_are_rejects_with_their_line(tmp_path: Path) -> None:
    source = playlist_archive(tmp_path / "set", "")
    with (source / "tracks.csv").open("a") as file:
        file.write("t1,Again,Solo,,60\nt4,,Solo,,60\nt5,Five,Solo,,long\n")
    with (source / "playlist_tracks.csv").open("a") as file:
        file.write("p1,t9,2020-01-01,\np1,t1,soon,\n")
    _, items, rows, rejects = run("playlist_archive", source, 0.5)
    assert (len(items), len(rows)) == (3, 4)
    assert (rejects.accepted, rejects.rejected) == (7, 5)
    assert [(Path(reject.file).name, reject.line, reject.field) for reject in rejects.first] == [
        ("tracks.csv", 5, "track_id"),
        ("tracks.csv", 6, "title"),
        ("tracks.csv", 7, "duration_s"),
        ("playlist_tracks.csv", 6, "track_id"),
        ("playlist_tracks.csv", 7, "at"),
    ]


def test_podcast_episodes(tmp_path: Path) -> None:
    changes: tuple[dict[str, Any], ...] = (
        {},
        {"episode_id": "e2", "description": "", "language": "en", "categories": ["", "News"], "explicit": True},
        {"episode_id": "e3", "language": "Italian (Italy)", "duration_s": None, "published": None, "explicit": False},
        {"episode_id": "e1", "title": "Again"},
        {"episode_id": "e4", "categories": "News"},
    )
    done, items, rows, rejects = run("podcast_episodes", podcast_episodes(tmp_path / "set", *changes), 0.5)
    first, second, third = items
    assert first == Item(
        id="e1",
        kind="episode",
        title="An episode",
        creator="A show",
        text="What it is about.",
        tags=("News", "Storia"),
        language="it-IT",
        duration_s=498.0,
        published_at=1_679_327_220,
        explicit=None,
        extra={"show_id": "s1"},
    )
    assert (second.text, second.tags, second.language, second.explicit) == (None, ("News",), "en", True)
    assert (third.language, third.duration_s, third.published_at, third.explicit) == (None, None, None, False)
    assert rows == []
    assert done.interactions is None
    assert done.notes == ("1 episodes had a language that is no BCP 47 tag: left out",)
    assert [(reject.line, reject.field) for reject in rejects.first] == [(4, "episode_id"), (5, "categories")]


@pytest.mark.parametrize(
    ("written", "tag"),
    [
        ("it-it", "it-IT"),
        ("EN_us", "en-US"),
        ("en", "en"),
        ("zh-hans-cn", "zh-Hans-CN"),
        ("sl-rozaj", "sl-rozaj"),
        ("en-x-us", "en-x-us"),
        (" fr ", "fr"),
        ("english (uk)", None),
        ("", None),
        (None, None),
    ],
)
def test_languages_are_written_as_bcp_47_has_it(written: str | None, tag: str | None) -> None:
    assert bcp47(written) == tag


@pytest.mark.parametrize("gz", ["", ".gz"])
def test_hetrec2011_lastfm(tmp_path: Path, gz: str) -> None:
    done, items, rows, rejects = run("hetrec2011_lastfm", hetrec2011_lastfm(tmp_path / "set", gz))
    first, second, third = items
    assert (first.id, first.kind, first.title, first.creator) == ("1", "track", 'The "Björns"', 'The "Björns"')
    # Ten users gave the one tag, twelve the other; a third was given by nine and is left out.
    assert first.tags == ("rock français", "metal")
    assert second.tags == ("metal",)
    assert (third.id, third.title, third.creator, third.tags) == ("9", "9", "9", ())
    assert rows == [
        Interaction("2", "1", None, 352_698.0),
        Interaction("2", "2", None, 5.0),
        Interaction("3", "9", None, 1.0),
    ]
    assert (done.items, done.interactions) == (3, 3)
    assert "1 artists were played but have no row" in done.notes[1]
    assert rejects.rejected == 0


def test_rows_of_tabs_that_are_none_are_rejects(tmp_path: Path) -> None:
    source = hetrec2011_lastfm(tmp_path / "set", "")
    with (source / "user_artists.dat").open("ab") as file:
        file.write(b"3\t1\n3\t1\toften\n\xff\t1\t1\n\n")
    _, _, rows, rejects = run("hetrec2011_lastfm", source, 0.5)
    assert len(rows) == 3
    assert [(reject.line, reject.field) for reject in rejects.first] == [(5, ""), (6, "weight"), (7, "")]


@pytest.mark.parametrize("gz", ["", ".gz"])
def test_taste_profile(tmp_path: Path, gz: str) -> None:
    done, items, rows, rejects = run("taste_profile", taste_profile(tmp_path / "set", gz))
    assert items == [
        Item(id="s1", kind="track", title="Move", creator="Rejects", album="Move, Along", published_at=1_104_537_600),
        Item(id="s2", kind="track", title="s2", creator="Somebody", album="Hits"),
        Item(id="s3", kind="track", title="Never played", creator="Nobody", album="Alone", published_at=915_148_800),
        Item(id="s9", kind="track", title="s9", creator="unknown"),
    ]
    assert rows == [
        Interaction("u1", "s1", None, 2.0),
        Interaction("u1", "s9", None, 1.0),
        Interaction("u2", "s2", None, 30.0),
        Interaction("u2", "s9", None, 4.0),
    ]
    note = "1 songs were played but have no row: their id is their title, their creator 'unknown'"
    assert done == Imported(4, 4, (note,))
    assert rejects.rejected == 0


def test_bad_songs_and_plays_are_rejects_with_their_line(tmp_path: Path) -> None:
    source = taste_profile(tmp_path / "set", "")
    with (source / "songs.csv").open("a") as file:
        file.write("s1,Again,Hits,Somebody,0\ns4,Four,Hits,Somebody,soon\n")
    with (source / "interactions.csv").open("a") as file:
        file.write("u1,s1,often\n,s1,1\n")
    _, items, rows, rejects = run("taste_profile", source, 0.5)
    assert (len(items), len(rows)) == (4, 4)
    assert [(Path(reject.file).name, reject.line, reject.field) for reject in rejects.first] == [
        ("songs.csv", 5, "song_id"),
        ("songs.csv", 6, "year"),
        ("interactions.csv", 6, "play_count"),
        ("interactions.csv", 7, "user_id"),
    ]


@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_set_writes_nothing_and_leaves_what_was_there(tmp_path: Path, name: str) -> None:
    make: dict[str, Any] = {
        "playlist_archive": playlist_archive,
        "podcast_episodes": podcast_episodes,
        "hetrec2011_lastfm": hetrec2011_lastfm,
        "taste_profile": taste_profile,
    }
    last = {
        "playlist_archive": "playlist_tracks.csv.gz",
        "podcast_episodes": "episodes.jsonl.gz",
        "hetrec2011_lastfm": "user_artists.dat.gz",
        "taste_profile": "interactions.csv.gz",
    }[name]
    source = make[name](tmp_path / "set")
    packed = (source / last).read_bytes()
    (source / last).write_bytes(packed[:-9])
    folder = tmp_path / "rows"
    write(folder, "catalogue.jsonl", "before")
    rejects = Rejects(tmp_path / "rejects.out")
    with pytest.raises(RejectedInputError, match=f"{last}.*ends early"):
        import_set(name, source, folder, rejects, 1.0, Reporter("none"))
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"catalogue.jsonl": "before"}


def test_too_many_bad_rows_and_missing_files_write_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    source = podcast_episodes(tmp_path / "set", {}, {"title": None})
    with Rejects(tmp_path / "rejects.out") as rejects, pytest.raises(RejectedInputError, match="1 of 2 rows"):
        import_set("podcast_episodes", source, folder, rejects, 0.01, Reporter("none"))
    with pytest.raises(NotFoundError, match=r"tracks\.csv or tracks\.csv\.gz"):
        import_set("playlist_archive", source, folder, rejects, 0.01, Reporter("none"))
    with pytest.raises(NotFoundError, match="nowhere"):
        import_set("playlist_archive", tmp_path / "nowhere", folder, rejects, 0.01, Reporter("none"))
    assert list(folder.iterdir()) == []


def test_interactions_of_another_set_are_pointed_out(tmp_path: Path) -> None:
    source = podcast_episodes(tmp_path / "set")
    write(tmp_path / "set-rows", "interactions.jsonl", "")
    with Rejects(tmp_path / "rejects.out") as rejects:
        done = import_set("podcast_episodes", source, tmp_path / "set-rows", rejects, 0.0, Reporter("none"))
    assert "not of this set" in done.notes[0]
