"""`nearfield import table`: what is proposed, what is asked for, and that nothing is written before it was shown."""

import json
import tomllib
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from embedding.commands.check import check
from embedding.commands.import_set import import_
from embedding.errors import NearfieldError, RejectedInputError, UsageError
from embedding.importers.table.known_columns import likely_kind, meaning
from embedding.importers.table.map_text import map_text
from embedding.rows.column_map.declaration import ColumnMap, Source, TableMap, parse_map
from embedding.settings import EmbeddingSettings
from tests.embedding.rows.workbooks import workbook

HEADER = "Title;Artist;ISRC;UPC;Genre;Duration;Explicit;Territories;Release Date;End Date;Notes"
ROW_1 = 'Kajen;Röda Ankare;SEABC2300001;0042;Pop, Indie;3:34;yes;"SE;GB";03/11/2023;31/12/2030;x'
ROW_2 = "Hamnen;Röda Ankare;SEABC2300002;0042;Pop;1:02:03;No;Worldwide except US;13/11/2023;;"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(command: Any, *arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, obj=EmbeddingSettings())


def label(*rows: str, encoding: str = "utf-8") -> None:
    Path("label.csv").write_bytes("".join(f"{row}\r\n" for row in (HEADER, *rows)).encode(encoding))


def written() -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("data/catalogue.jsonl").read_text("utf-8").splitlines()]


def asked(*arguments: str) -> str:
    """The error that says what is not known; nothing is written."""
    result = run(import_, "table", *arguments)
    assert isinstance(result.exception, UsageError)
    assert not Path(arguments[1]).exists()
    return str(result.exception)


def test_the_map_is_shown_and_nothing_is_written_until_it_is_accepted() -> None:
    label(ROW_1, ROW_2)
    result = run(import_, "table", "label.csv", "data")
    assert isinstance(result.exception, UsageError)
    assert "--yes" in str(result.exception)
    assert not Path("data").exists()
    shown = tomllib.loads(result.stdout)["catalogue"]
    assert shown == {
        "delimiter": ";",
        "drop": ["Notes"],
        "fields": {
            "kind": {"constant": "track"},
            "id": "ISRC",
            "title": "Title",
            "creator": "Artist",
            "tags": {"column": "Genre", "separator": ","},
            "duration_s": {"column": "Duration", "unit": "m:s"},
            "published_at": {"column": "Release Date", "date": "%d/%m/%Y"},
            "explicit": {"column": "Explicit", "values": {"yes": True, "no": False}},
        },
        "extra": {"isrc": {"column": "ISRC", "type": "text"}, "upc": {"column": "UPC", "type": "text"}},
        "deals": [
            {
                **{"territories": "Territories", "until": "End Date", "separator": ";"},
                **{"date": "%d/%m/%Y", "days": "territory"},
            }
        ],
    }


def test_an_accepted_map_gives_rows_and_lies_beside_them() -> None:
    label(ROW_1, ROW_2)
    shown = run(import_, "table", "label.csv", "data").stdout
    result = run(import_, "table", "label.csv", "data", "--yes")
    assert result.stdout.endswith("2 items in data.\n")
    assert Path("data/map.toml").read_text("utf-8") == shown
    first, second = written()
    assert first == {
        **{"id": "SEABC2300001", "kind": "track", "title": "Kajen", "creator": "Röda Ankare", "duration_s": 214.0},
        **{"explicit": True, "tags": ["Pop", "Indie"], "published_at": "2023-11-03T00:00:00Z"},
        "availability": [
            {"market": "SE", "until": "2030-12-31T23:00:00Z"},
            {"market": "GB", "until": "2031-01-01T00:00:00Z"},
        ],
        "extra": {"isrc": "SEABC2300001", "upc": "0042"},
    }
    assert second["duration_s"] == 3723.0
    assert {"market": "US"} not in second["availability"]
    # The same by the map that was written, and as a check reads it.
    assert run(import_, "table", "label.csv", "again", "--map", "data/map.toml", "--json").exit_code == 0
    assert Path("again/catalogue.jsonl").read_bytes() == Path("data/catalogue.jsonl").read_bytes()
    assert run(check, "label.csv", "--map", "data/map.toml").exit_code == 0


def test_a_workbook_gives_what_the_csv_gives() -> None:
    label(ROW_1)
    assert run(import_, "table", "label.csv", "data", "--yes", "--dates", "day-first").exit_code == 0
    from_csv = written()
    row = ["Kajen", "Röda Ankare", "SEABC2300001", "0042", "Pop, Indie", "3:34", "yes", "SE;GB", date(2023, 11, 3)]
    workbook(Path("label.xlsx"), [HEADER.split(";"), [*row, date(2030, 12, 31), "x"]])
    result = run(import_, "table", "label.xlsx", "data", "--yes", "--json")
    assert json.loads(result.stdout) == {"items": 1, "rejected": 0, "folder": "data"}
    assert "[catalogue.fields]" in result.stderr
    assert written() == from_csv


def test_an_order_that_the_dates_do_not_tell_is_asked_for_and_then_known() -> None:
    label(ROW_1)
    message = asked("label.csv", "data", "--yes")
    assert (
        'Release Date: "03/11/2023" may be 03 November 2023 or 11 March 2023, and no value tells the order:'
        " say --dates day-first or --dates month-first" in message
    )
    assert "End Date" not in message.split("What is known")[0]
    for order, day in (("day-first", "2023-11-03"), ("month-first", "2023-03-11"), ("%d/%m/%Y", "2023-11-03")):
        assert run(import_, "table", "label.csv", "data", "--dates", order, "--yes").exit_code == 0
        assert written()[0]["published_at"].startswith(day)


def test_first_and_last_day_of_a_deal_are_written_alike() -> None:
    rows = ("1;a;b;SE;01/01/2024;31/12/2030", "2;a;b;SE;01/01/2024;31/12/2031")
    Path("deals.csv").write_text("\n".join(["Track ID;Artist;Title;Territories;Start Date;End Date", *rows]))
    assert run(import_, "table", "deals.csv", "data", "--yes").exit_code == 0
    assert [row["availability"] for row in written()] == [
        [{"market": "SE", "from": "2023-12-31T23:00:00Z", "until": f"{year}-12-31T23:00:00Z"}] for year in (2030, 2031)
    ]


def test_the_number_of_a_deal_may_stand_before_its_columns() -> None:
    Path("deals.csv").write_text(
        "ISRC,Title,Artist,Deal 1 Territories,Deal 1 End Date,Deal 2 Territories\nSEABC2300001,a,b,SE,31/12/2030,NO\n"
    )
    assert run(import_, "table", "deals.csv", "data", "--yes").exit_code == 0
    assert written()[0]["availability"] == [{"market": "SE", "until": "2030-12-31T23:00:00Z"}, {"market": "NO"}]


@pytest.mark.parametrize("column", ["Licensed Territory List", "1st Deal", "Availability", "Embargo Until"])
def test_a_column_that_may_be_of_a_deal_is_not_left_out_in_silence(column: str) -> None:
    header = f"ISRC,Title,Artist,{column}"
    Path("deals.csv").write_text(f"{header}\nSEABC2300001,a,b,SE\n")
    assert f"{column}: may say where or when rows may be shown" in asked("deals.csv", "data", "--yes")
    # One without any value says nothing.
    Path("deals.csv").write_text(f"{header}\nSEABC2300001,a,b,\n")
    assert run(import_, "table", "deals.csv", "data", "--yes").exit_code == 0


def test_a_title_above_the_header_of_a_workbook_is_told() -> None:
    rows = [["All tracks of 2024"], ["ISRC", "Title", "Artist"], ["SEABC2300001", "a", "b"]]
    workbook(Path("label.xlsx"), rows)
    assert "where another row is the header, say --header-row N" in asked("label.xlsx", "data", "--yes")
    assert run(import_, "table", "label.xlsx", "data", "--yes", "--header-row", "2").exit_code == 0
    assert [row["id"] for row in written()] == ["SEABC2300001"]


def test_what_is_asked_of_dates_shows_one_that_has_two_readings() -> None:
    Path("dates.csv").write_text("Track ID,Artist,Title,Released\n1,a,b,01/01/2024\n2,a,b,03/11/2024\n")
    assert 'Released: "03/11/2024" may be 03 November 2024 or 11 March 2024' in asked("dates.csv", "data", "--yes")


def test_one_date_that_fits_one_order_alone_tells_the_order() -> None:
    label(ROW_1, ROW_2)
    assert run(import_, "table", "label.csv", "data", "--yes").exit_code == 0
    assert written()[0]["published_at"] == "2023-11-03T00:00:00Z"


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        (
            ("13/11/2023", "11/13/2023"),
            '"11/13/2023" shares no known format with those before it, such as "13/11/2023"',
        ),
        (("TBC",), '"TBC" shares no known format'),
        (("03/11/12",), "03 November 2012 or 11 March 2012 or 12 November 2003"),
    ],
)
def test_dates_that_no_format_fits_are_asked_for(dates: tuple[str, ...], expected: str) -> None:
    Path("t.csv").write_text("Track Title,Artist,ISRC,Release Date\n" + "".join(f"T,A,i-{d},{d}\n" for d in dates))
    assert expected in asked("t.csv", "data", "--yes")


def test_what_one_format_does_not_fit_is_a_reject_when_the_format_is_told() -> None:
    Path("t.csv").write_text("Track Title,Artist,ISRC,Release Date\n" + "T,A,1,03/11/2023\nT,A,2,TBC\n")
    result = run(import_, "table", "t.csv", "data", "--yes", "--dates", "%d/%m/%Y")
    assert isinstance(result.exception, RejectedInputError)
    assert not Path("data/catalogue.jsonl").exists()
    assert "published_at (column Release Date)" in Path(".nearfield/rejects/t.csv.rejects.jsonl").read_text()
    assert "expected a date format" in asked("t.csv", "other", "--dates", "day first")


@pytest.mark.parametrize(
    ("column", "values", "told"),
    [
        ("Length", ["214", "3"], "--duration-unit ms"),
        ("Duration", ["3:34", "214"], "--duration-unit s"),
    ],
)
def test_a_unit_that_is_not_told_is_asked_for(column: str, values: list[str], told: str) -> None:
    Path("t.csv").write_text(f"Track Title,Artist,ISRC,{column}\n" + "".join(f"T,A,i-{v},{v}\n" for v in values))
    assert told in asked("t.csv", "data", "--yes")


@pytest.mark.parametrize(
    ("column", "value", "duration_s"),
    [
        ("Duration (ms)", "214500", 214.5),
        ("Length [sec]", "214", 214.0),
        ("duration_s", "214", 214.0),
        ("Running Time (minutes)", "3.5", 210.0),
        ("Duration (hh:mm:ss)", "0:03:34", 214.0),
    ],
)
def test_a_unit_that_the_name_tells_is_taken(column: str, value: str, duration_s: float) -> None:
    Path("t.csv").write_text(f"Track Title,Artist,ISRC,{column}\nT,A,i,{value}\n")
    assert run(import_, "table", "t.csv", "data", "--yes").exit_code == 0
    assert written()[0]["duration_s"] == duration_s


def test_times_of_day_as_lengths_are_asked_for_unless_they_have_seconds() -> None:
    header = ("Track Title", "Artist", "ISRC", "Duration")
    workbook(Path("t.xlsx"), [header, ("T", "A", "i", time(3, 34))])
    assert "--duration-unit m:s where a cell that shows 3:34 means 3 minutes" in asked("t.xlsx", "data", "--yes")
    assert run(import_, "table", "t.xlsx", "data", "--yes", "--duration-unit", "m:s").exit_code == 0
    assert written()[0]["duration_s"] == 214.0
    workbook(Path("t.xlsx"), [header, ("T", "A", "i", time(0, 3, 34))])
    assert run(import_, "table", "t.xlsx", "data", "--yes").exit_code == 0
    assert written()[0]["duration_s"] == 214.0


def test_words_for_explicit_that_may_mean_either_are_asked_for() -> None:
    Path("t.csv").write_text("Track Title,Artist,ISRC,Explicit\nT,A,1,yes\nT,A,2,edited\nT,A,3,Unknown\n")
    message = asked("t.csv", "data", "--yes")
    assert '"edited" may mean yes or no' in message
    assert 'explicit = { column = "Explicit", values = { "edited" = true } }' in message
    assert parse_map(message.partition("(--map):\n\n")[2], "the map in the message").catalogue is not None


def test_not_known_stays_not_known() -> None:
    Path("t.csv").write_text("Track Title,Artist,ISRC,Explicit\nT,A,1,E\nT,A,2,Clean\nT,A,3,Unknown\nT,A,4,\n")
    assert run(import_, "table", "t.csv", "data", "--yes").exit_code == 0
    assert [row.get("explicit") for row in written()] == [True, False, None, None]


def test_all_that_is_missing_is_told_at_once() -> None:
    Path("t.csv").write_text("Label,Length\nL,3\n")
    message = asked("t.csv", "data")
    for expected in ("kind: ", "--kind track", "id: no column", "title: no column", "creator: no column", "Length: "):
        assert expected in message


def test_several_deals_and_excluded_territories_are_found_by_their_names() -> None:
    header = "Title|Artist|ISRC|Territories 1|End Date 1|Territories 2|Start Date 2|Excluded Territories"
    Path("t.csv").write_text(f"{header}\nT|A|i|SE,NO|2024-12-31|US|2024-02-01|\n")
    message = asked("t.csv", "data")
    assert "Excluded Territories: no column of territories goes with it" in message
    Path("t.csv").write_text(
        f"{header}\nT|A|i|SE,NO|2024-12-31|US|2024-02-01|\n".replace("|Excluded Territories", "").replace(
            "01|\n", "01\n"
        )
    )
    assert run(import_, "table", "t.csv", "data", "--yes").exit_code == 0
    assert written()[0]["availability"] == [
        {"market": "SE", "until": "2024-12-31T23:00:00Z"},
        {"market": "NO", "until": "2024-12-31T23:00:00Z"},
        {"market": "US", "from": "2024-02-01T10:00:00Z"},
    ]


def test_cp1252_is_asked_for_and_read_when_told() -> None:
    label(ROW_1, ROW_2, encoding="cp1252")
    assert "label.csv:2: expected UTF-8, came byte 0xf6" in asked("label.csv", "data", "--yes")
    assert run(import_, "table", "label.csv", "data", "--yes", "--encoding", "cp1252").exit_code == 0
    assert written()[0]["creator"] == "Röda Ankare"
    assert "encoding in which ASCII is itself" in str(
        run(import_, "table", "label.csv", "more", "--encoding", "utf-16").exception
    )


def test_another_delimiter_than_told_and_one_that_cannot_be_told() -> None:
    label(ROW_1, ROW_2)
    Path("map.toml").write_text('[catalogue.fields]\nid = "ISRC"\n')
    result = run(import_, "table", "label.csv", "data", "--map", "map.toml")
    assert "the header has delimiter = ';'" in str(result.exception)
    Path("t.csv").write_text('Title,"Artist;x"\n')
    assert "say --delimiter" in asked("t.csv", "other")


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("t.csv", "", "an empty file"),
        ("t.csv", "Title,Title\n", "twice"),
        ("t.parquet", "x", "for other files write a map"),
        ("t.xlsx", "x", "a workbook"),
    ],
)
def test_a_file_that_is_no_table_is_an_error(name: str, content: str, match: str) -> None:
    Path(name).write_text(content)
    result = run(import_, "table", name, "data", "--yes")
    assert isinstance(result.exception, NearfieldError)
    assert match in str(result.exception)


def test_too_many_bad_rows_write_nothing() -> None:
    label(ROW_1, ROW_2, ROW_2)
    result = run(import_, "table", "label.csv", "data", "--yes")
    assert "1 of 3 rows are bad" in str(result.exception)
    assert not Path("data").exists()


@pytest.mark.parametrize(
    ("columns", "kind"),
    [(["ISRC", "Title"], "track"), (["Show", "GUID"], "episode"), (["Title"], None), (["Show", "Song"], None)],
)
def test_the_kind_is_told_by_the_columns_of_one_kind_alone(columns: list[str], kind: str | None) -> None:
    assert likely_kind(columns) == kind


@given(st.text(max_size=30))
def test_any_header_has_a_meaning_or_none(column: str) -> None:
    meaning(column)


@given(
    st.dictionaries(st.text(min_size=1), st.text() | st.builds(Source, column=st.text(), date=st.text() | st.none())),
    st.lists(st.text()),
)
def test_every_map_is_read_back_from_its_text(extra: dict[str, Any], drop: list[str]) -> None:
    # What a file in UTF-8 cannot hold is in no header.
    if any("\ud800" <= char <= "\udfff" for char in repr((extra, drop))):
        return
    table = TableMap(extra=extra, drop=drop, sheet="x")
    examples = {drop[0]: "a\nb"} if drop else {}
    assert parse_map(map_text(table, examples), "m") == ColumnMap(table)
