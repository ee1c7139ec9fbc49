"""Bad catalogue rows of every kind, in every format: each is one reject that names the field; good rows go on."""

from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from embedding.rows.schema import EVERYWHERE, Item, Window
from tests.embedding.rows.row_cases import good, jsonl, read_items, write_csv, write_jsonl, write_parquet

DAY = 1_717_113_600  # 2024-05-31
FULL: dict[str, Any] = {
    "id": "a",
    "kind": "episode",
    "title": "A title",
    "creator": "A show",
    "creators": ["A show", "A guest"],
    "text": 'Lines\nand "quotes", commas.',
    "album": "An album",
    "tags": ["jazz", "late"],
    "language": "en-GB",
    "duration_s": 61.5,
    "published_at": "2024-05-31",
    "explicit": False,
    "min_age": 16,
    "availability": [{"market": "SE", "from": "2024-05-31", "until": "2024-06-01T00:00:00Z"}, {"market": "GB"}],
    "popularity": 0.5,
    "extra": {"label": "X", "year": 2024, "share": 0.5, "live": True},
}
FULL_ITEM = Item(
    id="a",
    kind="episode",
    title="A title",
    creator="A show",
    creators=("A show", "A guest"),
    text='Lines\nand "quotes", commas.',
    album="An album",
    tags=("jazz", "late"),
    language="en-GB",
    duration_s=61.5,
    published_at=DAY,
    explicit=False,
    min_age=16,
    availability=(Window("SE", DAY, DAY + 86_400), Window("GB")),
    popularity=0.5,
    extra={"label": "X", "year": 2024, "share": 0.5, "live": True},
)

BAD: list[tuple[dict[str, Any], str, str]] = [
    # fields over a good row; the field that is named; a part of what was expected
    ({"title": 7}, "title", "characters"),
    ({"title": None}, "title", "characters"),
    ({"title": " \t "}, "title", "white space"),
    ({"title": "x" * 2001}, "title", "2,000"),
    ({"kind": "song"}, "kind", "track or episode"),
    ({"colour": "red"}, "colour", "extra"),
    ({"langauge": "sv"}, "langauge", "did you mean language?"),
    ({"id": " b"}, "id", "white space"),
    ({"id": "b\tc"}, "id", "control"),
    ({"id": "b" * 513}, "id", "512"),
    ({"id": 1.5}, "id", "whole number"),
    ({"published_at": "31/05/2024"}, "published_at", "2024-05-31"),
    ({"published_at": "2024-02-30"}, "published_at", "2024-05-31"),
    ({"duration_s": -1}, "duration_s", "seconds"),
    ({"duration_s": "long"}, "duration_s", "seconds"),
    ({"explicit": "maybe"}, "explicit", "true or false"),
    ({"min_age": 121}, "min_age", "0 to 120"),
    ({"min_age": 16.5}, "min_age", "whole number"),
    ({"popularity": 1.01}, "popularity", "0 to 1"),
    ({"language": "english (GB)"}, "language", "BCP 47"),
    ({"language": "English"}, "language", "did you mean en?"),
    ({"language": "en_US"}, "language", "did you mean en-US?"),
    ({"language": "xx"}, "language", "registered"),
    ({"id": "."}, "id", "other than . and .."),
    ({"id": ".."}, "id", "other than . and .."),
    ({"availability": [{"market": "XW"}]}, "availability[0].market", 'say [{"market": "*"}]'),
    ({"availability": [{"market": "XE"}]}, "availability[0].market", "Europe"),
    ({"language": "sv\n"}, "language", "BCP 47"),
    ({"tags": ["ok", " "]}, "tags[1]", "white space"),
    ({"creators": ["ok", ["x"]]}, "creators[1]", "characters"),
    ({"extra": {"a": [1]}}, "extra", "object"),
    ({"extra": [1]}, "extra", "object"),
    ({"availability": []}, "availability", "take it down"),
    ({"availability": [None]}, "availability", "take it down"),
    ({"availability": [{"market": "se"}]}, "availability[0].market", "upper case, such as SE, or * for"),
    ({"availability": [{"market": "SE"}, {"market": "UK"}]}, "availability[1].market", "did you mean GB?"),
    ({"availability": [{"from": "2024-01-01"}]}, "availability[0].market", "ISO 3166"),
    ({"availability": [{"market": "SE", "to": "2024-01-01"}]}, "availability[0].to", "{market, from, until}"),
    (
        {"availability": [{"market": "SE", "from": "2024-02-01", "until": "2024-01-01"}]},
        "availability[0].until",
        "after from (2024-02-01)",
    ),
    (
        {"availability": [{"market": "SE", "from": "2024-02-01", "until": "2024-02-01"}]},
        "availability[0].until",
        "after from",
    ),
    ({"availability": [{"market": "SE", "until": "soon"}]}, "availability[0].until", "2024-05-31"),
]
# Every cell of CSV is text, and a column of Parquet has one type.
BAD_IN_CSV = [case for case in BAD if case[0] not in ({"title": 7}, {"title": None}, {"id": 1.5})]
BAD_IN_PARQUET = [case for case in BAD if case[0] != {"creators": ["ok", ["x"]]}]


@pytest.mark.parametrize(
    "name", ["c.jsonl", "c.jsonl.gz", "c.jsonl.zst", "c.csv", "c.csv.gz", "c.csv.zst", "c.parquet", "C.JSONL"]
)
def test_a_full_row_and_a_bare_one_are_read_from_every_format(tmp_path: Path, name: str) -> None:
    write = {"jsonl": write_jsonl, "csv": write_csv, "parquet": write_parquet}[name.lower().split(".")[1]]
    items, rejects = read_items(write(tmp_path / name, [FULL, good(id="b")]))
    assert rejects.first == []
    assert items == [FULL_ITEM, Item(id="b", kind="track", title="A title", creator="A band")]


@pytest.mark.parametrize(("fields", "field", "expected"), BAD)
def test_a_bad_row_of_jsonl_is_one_reject(tmp_path: Path, fields: dict[str, Any], field: str, expected: str) -> None:
    path = write_jsonl(tmp_path / "c.jsonl", [good(id="x"), good(**{"id": "bad", **fields}), good(id="y")])
    items, rejects = read_items(path)
    assert [item.id for item in items] == ["x", "y"]
    assert (rejects.accepted, rejects.rejected) == (2, 1)
    (reject,) = rejects.first
    assert (reject.file, reject.line, reject.field) == (str(path), 2, field)
    assert expected in reject.expected


@pytest.mark.parametrize(("fields", "field", "expected"), BAD_IN_CSV)
def test_a_bad_row_of_csv_is_one_reject(tmp_path: Path, fields: dict[str, Any], field: str, expected: str) -> None:
    path = write_csv(tmp_path / "c.csv", [good(id="x"), good(**{"id": "bad", **fields}), good(id="y")])
    items, rejects = read_items(path)
    assert [item.id for item in items] == ["x", "y"]
    (reject,) = rejects.first
    assert reject.field == field
    assert expected in reject.expected


@pytest.mark.parametrize(("fields", "field", "expected"), BAD_IN_PARQUET)
def test_a_bad_row_of_parquet_is_one_reject(tmp_path: Path, fields: dict[str, Any], field: str, expected: str) -> None:
    path = write_parquet(tmp_path / "c.parquet", [good(**{"id": "bad", **fields})])
    items, rejects = read_items(path)
    assert items == []
    (reject,) = rejects.first
    assert (reject.line, reject.field) == (1, field)
    assert expected in reject.expected


@pytest.mark.parametrize("name", ["id", "kind", "title", "creator"])
def test_a_missing_field_is_named(tmp_path: Path, name: str) -> None:
    row = good()
    del row[name]
    _, rejects = read_items(write_jsonl(tmp_path / "c.jsonl", [row]))
    assert [(reject.field, reject.came) for reject in rejects.first] == [(name, "nothing")]


def test_null_means_left_out_at_any_depth(tmp_path: Path) -> None:
    row = good(
        text=None,
        tags=["jazz", None],
        creators=None,
        availability=[{"market": "SE", "from": None, "until": None}, None],
        extra={"a": None, "b": 1},
        min_age=None,
        misspelt=None,
    )
    items, rejects = read_items(write_jsonl(tmp_path / "c.jsonl", [row]))
    assert rejects.first == []
    expected = Item(
        id="a",
        kind="track",
        title="A title",
        creator="A band",
        tags=("jazz",),
        availability=(Window("SE"),),
        extra={"b": 1},
    )
    assert items == [expected]


def test_left_out_availability_is_everywhere_always(tmp_path: Path) -> None:
    rows = [good(id="a"), good(id="b", availability=None), good(id="c", availability=[{"market": "*"}])]
    items, _ = read_items(write_jsonl(tmp_path / "c.jsonl", rows))
    assert [item.availability for item in items] == [EVERYWHERE] * 3


def test_a_fraction_of_a_second_never_opens_a_window_early_or_closes_it_late(tmp_path: Path) -> None:
    window = {"market": "SE", "from": "2024-05-31T00:00:00.25Z", "until": "2024-05-31T00:00:09.75Z"}
    items, _ = read_items(write_jsonl(tmp_path / "c.jsonl", [good(availability=[window])]))
    assert items[0].availability == (Window("SE", DAY + 1, DAY + 9),)
    narrow = {"market": "SE", "from": "2024-05-31T00:00:00.25Z", "until": "2024-05-31T00:00:00.75Z"}
    _, rejects = read_items(write_jsonl(tmp_path / "c.jsonl", [good(availability=[narrow])]))
    assert rejects.first[0].field == "availability[0].until"


def test_the_first_row_of_an_id_is_kept_and_later_ones_name_it(tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    folder.mkdir()
    write_jsonl(folder / "a.jsonl", [good(id="x", kind="song"), good(id="x", title="kept"), good(id="x")])
    write_csv(folder / "b.csv", [good(id="y"), good(id="x")])
    items, rejects = read_items(folder)
    assert [(item.id, item.title) for item in items] == [("x", "kept"), ("y", "A title")]
    assert [reject.field for reject in rejects.first] == ["kind", "id", "id"]
    assert "first at line 2" in rejects.first[1].expected
    assert "first at a.jsonl:2" in rejects.first[2].expected
    assert rejects.first[2].came == '"x"'


def test_whole_numbers_are_ids(tmp_path: Path) -> None:
    for path in (
        write_jsonl(tmp_path / "c.jsonl", [good(id=17)]),
        write_csv(tmp_path / "c.csv", [good(id=17)]),
        write_parquet(tmp_path / "c.parquet", [good(id=17)]),
    ):
        items, _ = read_items(path)
        assert [item.id for item in items] == ["17"]


def test_a_title_of_ten_megabytes_is_one_reject_with_little_of_it_shown(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "c.jsonl", [good(id="x"), good(id="bad", title="x" * 10_000_000), good(id="y")])
    items, rejects = read_items(path)
    assert [item.id for item in items] == ["x", "y"]
    (reject,) = rejects.first
    assert (reject.line, reject.field) == (2, "title")
    assert len(reject.came) == 80


@pytest.mark.parametrize(
    "line",
    [
        b'{"id": "bad", "title": "caf\xe9"}',
        b"\xff\xfe\x00",
        b'{"id": "bad"',
        b"not json",
        b"[1, 2]",
        b'"text"',
        b"null",
        b'{"id": "\\ud800", "kind": "track", "title": "t", "creator": "c"}',
        b'{"extra": {"a": ' + b"[" * 100_000,
        b'{"duration_s": 1e999}',
        b'{"duration_s": NaN}',
        b'{"extra": {"big": ' + b"9" * 30 + b"}}",
    ],
)
def test_a_line_that_is_no_row_is_one_reject(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "c.jsonl"
    path.write_bytes(jsonl([good(id="x")]) + line + b"\n" + jsonl([good(id="y")]))
    items, rejects = read_items(path)
    assert [item.id for item in items] == ["x", "y"]
    assert rejects.rejected == 1
    assert {reject.line for reject in rejects.first} == {2}


def test_a_null_in_a_list_moves_no_place(tmp_path: Path) -> None:
    row = good(tags=[None, "a", " "], creators=[None, 7], availability=[None, {"market": "SE"}, None, {"market": "se"}])
    _, rejects = read_items(write_jsonl(tmp_path / "c.jsonl", [row]))
    assert [reject.field for reject in rejects.first] == ["creators[1]", "tags[2]", "availability[3].market"]


def test_each_bad_entry_of_extra_is_told(tmp_path: Path) -> None:
    row = good(extra={"a": [1], "b": 2, "c": {"d": 1}, "e" * 201: 1})
    _, rejects = read_items(write_jsonl(tmp_path / "c.jsonl", [row]))
    assert [reject.field for reject in rejects.first] == ["extra"] * 3
    assert [reject.came[:12] for reject in rejects.first] == ['[1] for "a"', '{"d":1} for ', '1 for "eeeee']


def test_numbers_that_are_none_are_refused_in_parquet(tmp_path: Path) -> None:
    for name in ("duration_s", "popularity"):
        for number in (float("nan"), float("inf")):
            _, rejects = read_items(write_parquet(tmp_path / "c.parquet", [good(**{name: number})]))
            assert [reject.field for reject in rejects.first] == [name]
    _, rejects = read_items(write_parquet(tmp_path / "c.parquet", [good(extra={"x": float("nan")})]))
    assert [reject.field for reject in rejects.first] == ["extra"]


def test_parquet_takes_its_own_times_maps_and_narrow_types(tmp_path: Path) -> None:
    window = pa.struct([("market", pa.string()), ("from", pa.timestamp("ns", "Asia/Tokyo")), ("until", pa.date32())])
    table = pa.table(
        {
            "id": pa.array([1, 2], pa.int32()),
            "kind": pa.array(["track", "episode"]).dictionary_encode(),
            "title": pa.array(["A title", "B"], pa.large_string()),
            "creator": ["A band", "B"],
            "published_at": pa.array([DAY * 10**9 + 1, None], pa.timestamp("ns")),
            "min_age": pa.array([18.0, None]),
            "duration_s": pa.array([61, None], pa.int16()),
            "extra": pa.array([[("year", 2024)], None], pa.map_(pa.string(), pa.int64())),
            "availability": pa.array(
                [[{"market": "SE", "from": DAY * 10**9, "until": DAY // 86_400 + 1}], None], pa.list_(window)
            ),
        }
    )
    pq.write_table(table, tmp_path / "c.parquet")
    items, rejects = read_items(tmp_path / "c.parquet")
    assert rejects.first == []
    assert items[0] == Item(
        id="1",
        kind="track",
        title="A title",
        creator="A band",
        published_at=DAY,
        min_age=18,
        duration_s=61.0,
        extra={"year": 2024},
        availability=(Window("SE", DAY, DAY + 86_400),),
    )
    assert items[1].id == "2"


def test_a_parquet_value_that_python_cannot_hold_costs_its_row_only(tmp_path: Path) -> None:
    far = pa.array([0, 2**62], pa.timestamp("us"))
    table = pa.table({**{name: [value] * 2 for name, value in good().items()}, "published_at": far})
    pq.write_table(table.set_column(0, "id", pa.array(["x", "y"])), tmp_path / "c.parquet")
    items, rejects = read_items(tmp_path / "c.parquet")
    assert [item.id for item in items] == ["x"]
    assert [reject.line for reject in rejects.first] == [2]
