"""Last.fm 2K of HetRec 2011: what artists, tags and play counts become."""

from pathlib import Path

from embedding.errors import RejectedInputError
from embedding.rows.schema import Interaction, Item
from tests.embedding.importers.contract import Files, ImporterContract, as_bytes

# Ten users gave the first tag to the first artist, nine the second to the second; six gave the third to each.
GIVEN = [
    *(f"{user}\t1\t7\t1\t4\t2009\n" for user in range(10)),
    *(f"{user}\t2\t8\t1\t4\t2009\n" for user in range(9)),
    *(f"{user}\t{1 + user % 2}\t9\t1\t4\t2009\n" for user in range(12)),
]
FILES: Files = {
    "artists.dat": 'id\tname\turl\tpictureURL\n1\tThe "Björns"\tu\tp\n2\tDiary\tu\t\n',
    "user_artists.dat": "userID\tartistID\tweight\n2\t1\t352698\n2\t2\t5\n3\t9\t1\n",
    "tags.dat": "tagID\ttagValue\n7\trock français\n8\trare\n9\tmetal\n".encode("latin-1"),
    "user_taggedartists.dat": "userID\tartistID\ttagID\tday\tmonth\tyear\n" + "".join(GIVEN),
}


class TestHetRec2011LastFm(ImporterContract):
    name = "hetrec2011_lastfm"
    files = FILES
    item_file = "artists.dat"
    items = (
        Item(id="1", kind="track", title='The "Björns"', creator='The "Björns"', tags=("rock français", "metal")),
        # Its other tag was given by nine users, one too few.
        Item(id="2", kind="track", title="Diary", creator="Diary", tags=("metal",)),
        Item(id="9", kind="track", title="9", creator="9"),
    )
    interactions = (
        Interaction("2", "1", None, 352_698.0),
        Interaction("2", "2", None, 5.0),
        Interaction("3", "9", None, 1.0),
    )
    notes = (
        "2 tags given by 10 users or more are kept",
        "1 artists were played but have no row: their id is their name",
    )
    bad_lines = {  # noqa: RUF012  # the suite declares it
        "artists.dat": ("1\tAgain\tu\t\n3\t\tu\t\n", [(4, "id"), (5, "title"), (5, "creator")]),
        # An empty line is no row.
        "tags.dat": (f"10\t{'long ' * 41}\n11\tshort\n", [(5, "tagValue")]),
        "user_artists.dat": (b"3\t1\n3\t1\toften\n\xff\t1\t1\n\n", [(5, ""), (6, "weight"), (7, "")]),
    }

    def test_a_file_without_its_columns_is_damaged(self, source: Path, tmp_path: Path) -> None:
        (source / "user_artists.dat").write_bytes(as_bytes("userID\tweight\n2\t1\n"))
        self.refused(source, tmp_path, RejectedInputError, "user_artists.dat at line 1: expected columns .*artistID")
