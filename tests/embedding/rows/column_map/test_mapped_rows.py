"""Rows read by a map: each conversion, and every way in which a map and a file do not fit."""

import gzip
import json
import re
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedding.errors import NearfieldError, RejectedInputError, UsageError
from embedding.rows.column_map.declaration import load_map, parse_map
from embedding.rows.column_map.durations import seconds
from embedding.rows.column_map.row_parsers import mapped_rows
from embedding.rows.interactions import read_interactions
from embedding.rows.rejects import Rejects
from embedding.rows.schema import Interaction
from tests.embedding.rows.column_map.tables import cell, csv_file, head, read_mapped

EXPLICIT = 'explicit = { column = "E", values = { Yes = true, no = false }, empty = ["n/a"] }'


@pytest.mark.parametrize(
    ("text", "written", "field", "value"),
    [
        ('duration_s = { column = "E", unit = "ms" }', "214500", "duration_s", 214.5),
        ('duration_s = { column = "E", unit = "min" }', "3.5", "duration_s", 210.0),
        ('duration_s = { column = "E", unit = "m:s" }', "3:34", "duration_s", 214.0),
        ('duration_s = { column = "E", unit = "m:s" }', "62:03", "duration_s", 3723.0),
        ('duration_s = { column = "E", unit = "m:s" }', "1:02:03", "duration_s", 3723.0),
        ('duration_s = { column = "E", unit = "h:m:s" }', "0:03:34", "duration_s", 214.0),
        ('published_at = { column = "E", date = "%d/%m/%Y" }', "03/11/2023", "published_at", 1698969600),
        ('published_at = { column = "E", date = "%m/%d/%Y" }', "03/11/2023", "published_at", 1678492800),
        ('published_at = { column = "E", date = "%Y" }', "1999", "published_at", 915148800),
        (
            'published_at = { column = "E", date = "%d/%m/%Y %S.%f" }',
            "03/11/2023 00.25",
            "published_us",
            1698969600250000,
        ),
        (EXPLICIT, " YES ", "explicit", True),
        (EXPLICIT, "No", "explicit", False),
        (EXPLICIT, "N/A", "explicit", None),
        (EXPLICIT, "  ", "explicit", None),
        ('tags = { column = "E", separator = " / " }', "Rock / R&B / ", "tags", ("Rock", "R&B")),
        ('tags = "E"', "Rock; Pop", "tags", ("Rock", "Pop")),
        ('album = "E"', "1999", "album", "1999"),
        ('[catalogue.extra]\nupc = "E"', "0042", "extra", {"upc": "0042"}),
        ('[catalogue.extra]\nbpm = { column = "E", type = "number" }', "120", "extra", {"bpm": 120}),
        ('[catalogue.extra]\nlive = { column = "E", values = { y = true } }', "Y", "extra", {"live": True}),
        (
            '[catalogue.extra]\nupc = "E"\nsource = { constant = "label" }',
            "1",
            "extra",
            {"upc": "1", "source": "label"},
        ),
    ],
)
def test_a_cell_becomes_its_field(tmp_path: Path, text: str, written: str, field: str, value: object) -> None:
    items, rejects = cell(tmp_path, "E", written, text)
    assert rejects == []
    assert getattr(items[0], field) == value


@pytest.mark.parametrize(
    ("text", "written", "field", "expected"),
    [
        ('duration_s = { column = "E", unit = "ms" }', "3:34", "duration_s (column E)", 'the unit is "m:s"'),
        ('duration_s = { column = "E", unit = "m:s" }', "214", "duration_s (column E)", "such as 3:34"),
        ('duration_s = { column = "E", unit = "m:s" }', "3:60", "duration_s (column E)", "less than 60"),
        ('duration_s = { column = "E", unit = "m:s" }', "1:60:00", "duration_s (column E)", "less than 60"),
        ('duration_s = { column = "E", unit = "h:m:s" }', "3:34", "duration_s (column E)", "such as 0:03:34"),
        ('duration_s = "E"', "3:34", "duration_s (column E)", "seconds as a number"),
        ('published_at = { column = "E", date = "%d/%m/%Y" }', "2023-11-03", "published_at (column E)", "%d/%m/%Y"),
        ('published_at = "E"', "03/11/2023", "published_at (column E)", "a time such as"),
        (EXPLICIT, "maybe", "explicit (column E)", "yes, no"),
        ('tags = { column = "E", separator = "," }', "x" * 201, "tags[0] (column E)", "up to 200 characters"),
        ('[catalogue.extra]\nbpm = { column = "E", type = "number" }', "fast", "extra.bpm (column E)", "a number"),
    ],
)
def test_a_cell_that_does_not_fit_names_field_and_column(
    tmp_path: Path, text: str, written: str, field: str, expected: str
) -> None:
    items, rejects = cell(tmp_path, "E", written, text)
    assert items == []
    assert [(reject.line, reject.field) for reject in rejects] == [(2, field)]
    assert expected in rejects[0].expected


def test_all_faults_of_a_row_are_told(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "Code,Title,Artist,L,E", "c-1,,A,x,maybe")
    _, rejects = read_mapped(path, head() + 'duration_s = { column = "L", unit = "ms" }\n' + EXPLICIT)
    assert sorted(reject.field for reject in rejects) == [
        *("duration_s (column L)", "explicit (column E)", "title (column Title)"),
    ]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("[catalogue.felds]\n", r"\[catalogue\]: .*felds.*did you mean fields\?"),
        ('[catalogue.fields]\ntitle = { colum = "T" }\n', r"\[catalogue.fields\] title: .*did you mean column\?"),
        ('[catalogue.fields]\ntitel = "T"\n', "'titel' is no field of a catalogue row .did you mean title"),
        ('[catalogue.fields]\ntitle = "T"\ntitle = "U"\n', "one field cannot come from two columns"),
        ('[catalogue.fields]\ntitle = { column = "T", unit = "ms" }\n', "unit means nothing for title"),
        ('[catalogue.fields]\nduration_s = { column = "T", unit = "h" }\n', "'h' - at `\\$.unit`"),
        ('[catalogue.fields]\npublished_at = { column = "T", date = "%d/%m" }\n', "with a year"),
        ('[catalogue.fields]\npublished_at = { column = "T", date = "%Q" }\n', "date format such as"),
        ('[catalogue.fields]\ntitle = { column = "T", constant = "x" }\n', "either a column or a constant"),
        ('[catalogue]\ndrop = ["T"]\n[catalogue.fields]\ntitle = "T"\n', "'T' is read by the map, and dropped"),
        ('[catalogue]\nencoding = "utf-16"\n', "save the file as UTF-8"),
        ('[catalogue]\nencoding = "latin-99"\n', "encoding in which ASCII is itself"),
        ('[catalogue]\ndelimiter = "::"\n', "a delimiter among"),
        (
            '[catalogue.fields]\nexplicit = { column = "E", values = { yes = true, Yes = false } }\n',
            "whatever its letter case, got 'yes' twice",
        ),
        ('[catalogue.fields]\nkind = { column = "K", values = { x = "track" }, empty = ["X"] }\n', "got 'x' twice"),
        ('[catalogue.fields]\nkind = { column = "K", values = {} }\n', "a word at least in values"),
        ('[catalogue.extra]\nday = { column = "D", date = "%Q" }\n', "extra.day: expected a date format such as"),
        ('[[catalogue.deals]]\nterritories = "T"\ndays = "Mars"\n', "IANA time zone such as Europe/Stockholm"),
        ('[[catalogue.deals]]\nteritories = "T"\n', r"the 1. of them: .*did you mean territories\?"),
        ('[catalogue.fields]\navailability = "W"\n[[catalogue.deals]]\nterritories = "T"\n', "say one of the two"),
        ('[interactions.extra]\nx = "X"\n', "an interaction has no extra"),
        ('[interactions.fields]\nat = { column = "T", unit = "m:s" }\n', "in s or ms, not in m:s"),
        ("[catalog]\n", "did you mean catalogue"),
        ("fields = 3\n", "the keys are catalogue, interactions"),
        ("title = \n", "expected TOML"),
        (f"title = {'9' * 4301}", "expected TOML"),
        (f"title = {'[' * 2000}", "expected TOML"),
    ],
)
def test_a_map_that_cannot_be_is_wrong_use_and_named(text: str, match: str) -> None:
    with pytest.raises(UsageError, match=match) as raised:
        mapped_rows(parse_map(text, "m.toml"), "m.toml")
    assert str(raised.value).startswith("m.toml")


def test_a_map_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_bytes(b"\xff")
    for name, match in (("nowhere.toml", "nothing is there"), ("m.toml", "in UTF-8")):
        with pytest.raises(NearfieldError, match=match):
            load_map(tmp_path / name)


@pytest.mark.parametrize(
    ("header", "text", "match"),
    [
        ("Code,Title,Artist", 'album = "Record"', "none called Record among Code, Title, Artist"),
        ("Code,Title,Artist,Notes", "", "Notes, of which it says nothing"),
        ("Code;Title;Artist", "", "the header has delimiter = ';'"),
        ("Code,Title,Artist,title", "", "title, of which it says nothing"),
    ],
)
def test_a_file_that_the_map_was_not_made_for_is_one_reject(tmp_path: Path, header: str, text: str, match: str) -> None:
    path = csv_file(tmp_path, header, header, header)
    with pytest.raises(RejectedInputError, match=match):
        read_mapped(path, head() + text)


def test_a_map_without_a_required_field_says_which(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "Code,Title", "c-1,T")
    with pytest.raises(RejectedInputError, match="says where kind, creator comes from"):
        read_mapped(path, '[catalogue.fields]\nid = "Code"\ntitle = "Title"\n')


def test_columns_called_as_fields_need_no_word(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "id,kind,title,creator,tags,L", "c-1,track,T,A,x; y,1000")
    items, rejects = read_mapped(path, '[catalogue.fields]\nduration_s = { column = "L", unit = "ms" }\n')
    assert rejects == []
    assert (items[0].id, items[0].tags, items[0].duration_s) == ("c-1", ("x", "y"), 1.0)


def test_dropped_columns_are_not_read_and_two_fields_may_share_one(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "Code,Title,Artist,Notes", "c-1,T,A,anything")
    items, _ = read_mapped(path, head('drop = ["Notes"]') + '[catalogue.extra]\nisrc = "Code"\n')
    assert (items[0].id, items[0].extra) == ("c-1", {"isrc": "c-1"})


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters_and_cp1252_when_told(tmp_path: Path, delimiter: str) -> None:
    lines = [line.replace(",", delimiter) for line in ("Code,Title,Artist", "c-1,Ängel – live,Björk", ",,")]
    layout = f'delimiter = {json.dumps(delimiter)}\nencoding = "cp1252"'
    items, rejects = read_mapped(csv_file(tmp_path, *lines, encoding="cp1252"), head(layout))
    assert (items[0].title, items[0].creator, rejects) == ("Ängel – live", "Björk", [])


def test_cp1252_that_was_not_told_says_what_to_do(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "Code,Title,Artist", "c-1,Ängel,A", "c-2,T,A", encoding="cp1252")
    items, rejects = read_mapped(path, head())
    assert [item.id for item in items] == ["c-2"]
    assert 'encoding = "cp1252"' in rejects[0].expected
    assert "0xc4" in rejects[0].came


def test_a_header_in_cp1252_that_was_not_told_is_one_error(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "Code,Title,Artist,Längd", "c-1,T,A,1", encoding="cp1252")
    with pytest.raises(RejectedInputError, match='encoding = "cp1252"'):
        read_mapped(path, head() + 'duration_s = "Längd"')


def test_a_byte_that_cp1252_does_not_have_is_a_reject(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b"Code,Title,Artist\nc-1,\x81,A\n")
    _, rejects = read_mapped(path, head('encoding = "cp1252"'))
    assert [(reject.line, reject.expected) for reject in rejects] == [(2, "cp1252 text")]


def test_packed_csv_json_and_parquet_are_read_by_the_same_map(tmp_path: Path) -> None:
    text = head() + 'duration_s = { column = "L", unit = "ms" }\n'
    row = {"Code": "c-1", "Title": "T", "Artist": "A", "L": 1500}
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"Code,Title,Artist,L\nc-1,T,A,1500\n"))
    (tmp_path / "t.jsonl").write_text(json.dumps(row) + "\n")
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "t.parquet")
    read = [read_mapped(tmp_path / name, text) for name in ("t.csv.gz", "t.jsonl", "t.parquet")]
    assert read[0][0][0].duration_s == 1.5
    assert read[0] == read[1] == read[2]


def test_json_names_the_columns_that_no_map_speaks_of_and_those_that_never_came(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    good, odd = {"Code": "c-1", "Title": "T", "Artist": "A"}, {"Code": "c-2", "Title": "T", "Artist": "A", "x": 1}
    path.write_text(f"{json.dumps(good)}\n{json.dumps(odd)}\nno json\n[]\n")
    items, rejects = read_mapped(path, head())
    assert [item.id for item in items] == ["c-1"]
    assert [(reject.line, reject.field) for reject in rejects] == [(2, "x"), (3, ""), (4, "")]
    with pytest.raises(RejectedInputError, match="no row with Record"):
        read_mapped(path, head() + 'album = "Record"')


def test_interactions_have_a_map_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "plays.csv"
    path.write_text("listener,track,ts\nu,i,1736150400000\nu,i,soon\n")
    text = '[interactions.fields]\nuser_id = "listener"\nitem_id = "track"\nat = { column = "ts", unit = "ms" }\n'
    rows = mapped_rows(parse_map(text, "m"), "m")
    with Rejects(tmp_path / "r.jsonl") as rejects:
        read = [row for batch in read_interactions(path, rejects, parser=rows.interactions) for row in batch]
    assert read == [Interaction("u", "i", 1736150400.0)]
    assert rejects.first[0].field == "at (column ts)"


@given(st.integers(0, 10**7 - 1))
def test_every_length_is_read_back_from_how_it_is_shown(total_s: int) -> None:
    minutes, rest = divmod(total_s, 60)
    assert seconds(f"{minutes}:{rest:02}", "m:s") == total_s
    assert seconds(f"{minutes // 60}:{minutes % 60:02}:{rest:02}", "h:m:s") == total_s
    assert seconds(f"{minutes // 60}:{minutes % 60:02}:{rest:02}", "m:s") == total_s
    assert seconds(total_s * 1000, "ms") == total_s


def test_the_maps_of_the_docs_can_be_taken() -> None:
    page = (Path(__file__).parents[4] / "docs" / "columns.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```toml\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        mapped_rows(parse_map(block, "docs/columns.md"), "docs/columns.md")
