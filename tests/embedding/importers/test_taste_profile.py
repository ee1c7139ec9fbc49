"""The Taste Profile: what songs and play counts become."""

from embedding.rows.schema import Interaction, Item
from tests.embedding.importers.contract import ImporterContract


class TestTasteProfile(ImporterContract):
    name = "taste_profile"
    files = {  # noqa: RUF012  # the suite declares it
        "songs.csv": (
            "song_id,title,release,artist_name,year\n"
            's1,Move,"Move, Along",Rejects,2005\n'
            "s2,,Hits,Somebody,0\n"
            "s3,Never played,Alone,Nobody,1999\n"
        ),
        "interactions.csv": "user_id,song_id,play_count\nu1,s1,2\nu1,s9,1\nu2,s2,30\nu2,s9,4\n",
    }
    item_file = "songs.csv"
    items = (
        Item(id="s1", kind="track", title="Move", creator="Rejects", album="Move, Along", published_at=1_104_537_600),
        Item(id="s2", kind="track", title="s2", creator="Somebody", album="Hits"),
        Item(id="s3", kind="track", title="Never played", creator="Nobody", album="Alone", published_at=915_148_800),
        Item(id="s9", kind="track", title="s9", creator="unknown"),
    )
    interactions = (
        Interaction("u1", "s1", None, 2.0),
        Interaction("u1", "s9", None, 1.0),
        Interaction("u2", "s2", None, 30.0),
        Interaction("u2", "s9", None, 4.0),
    )
    notes = ("1 songs were played but have no row: their id is their title, their creator 'unknown'",)
    bad_lines = {  # noqa: RUF012  # the suite declares it
        "songs.csv": ("s1,Again,Hits,Somebody,0\ns4,Four,Hits,Somebody,soon\n", [(5, "song_id"), (6, "year")]),
        "interactions.csv": ("u1,s1,often\n,s1,1\n", [(6, "play_count"), (7, "user_id")]),
    }
