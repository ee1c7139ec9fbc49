"""A playlist archive: what tracks and playlists become."""

from embedding.rows.schema import Interaction, Item
from tests.embedding.importers.contract import Files, ImporterContract

FILES: Files = {
    "tracks.csv": (
        "track_id,title,artists,album,duration_s\n"
        "t1,One,Solo,First,60\n"
        't2,"Two, too",Ann; Ben;Cid,,61\n'
        "t3,Three,,First,\n"
    ),
    "playlist_tracks.csv": (
        "playlist_id,track_id,added,removed\n"
        "p1,t1,2019-05-25,2019-06-01\n"
        "p1,t1,2020-01-01,\n"
        "p1,t2,2020-01-02,\n"
        "p2,t3,2020-01-03,\n"
    ),
}


class TestPlaylistArchive(ImporterContract):
    name = "playlist_archive"
    files = FILES
    item_file = "tracks.csv"
    items = (
        Item(id="t1", kind="track", title="One", creator="Solo", album="First", duration_s=60.0),
        Item(id="t2", kind="track", title="Two, too", creator="Ann", creators=("Ann", "Ben", "Cid"), duration_s=61.0),
        Item(id="t3", kind="track", title="Three", creator="unknown", album="First"),
    )
    interactions = (
        Interaction("p1", "t1", 1_558_742_400.0),
        Interaction("p1", "t1", 1_577_836_800.0),
        Interaction("p1", "t2", 1_577_923_200.0),
        Interaction("p2", "t3", 1_578_009_600.0),
    )
    notes = ("1 tracks name no artist: creator 'unknown'",)
    bad_lines = {  # noqa: RUF012  # the suite declares it
        "tracks.csv": (
            "t1,Again,Solo,,60\nt4,,Solo,,60\nt5,Five,Solo,,long\n",
            [(5, "track_id"), (6, "title"), (7, "duration_s")],
        ),
        "playlist_tracks.csv": ("p1,t9,2020-01-01,\np1,t1,soon,\n", [(6, "track_id"), (7, "at")]),
    }
