"""Values as files hold them, by the command line alone: each kind of file has the very rows that JSON lines spell.

What a command made of a value is told by `index diff`: a release built of the spelt rows must find nothing changed.
"""

import json
import os
import sys
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
from click.testing import CliRunner

from service.cli import nearfield

HASH = 16_192_285_499_011_746_455
UUID = uuid.UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
WINDOW = pa.struct([("market", pa.string()), ("from", pa.timestamp("us")), ("until", pa.timestamp("us"))])
WINDOW_NS = pa.struct([("market", pa.string()), ("from", pa.timestamp("ns")), ("until", pa.timestamp("ns"))])
Write = Callable[[Path], Path]


# Nothing here is imported of the product but its commands, nor of the other tests: older builds can be asked, too.
GOOD = {"id": "a", "kind": "track", "title": "A title", "creator": "A band"}


def good(**fields: Any) -> dict[str, Any]:
    return {**GOOD, **fields}


def jsonl(rows: Iterable[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def write_jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    path.write_bytes(jsonl(rows))
    return path


class Told(NamedTuple):
    """How a command ended, and all that it said, with the words of the error that ended it."""

    code: int
    text: str


def run(*arguments: str | Path) -> Told:
    result = CliRunner().invoke(nearfield, [str(argument) for argument in arguments])
    error = "" if isinstance(result.exception, SystemExit) or result.exception is None else str(result.exception)
    return Told(result.exit_code, result.stdout + error)


def check(path: Path) -> Told:
    return run("check", path)


def rejects_of(path: Path, *options: str) -> list[dict[str, Any]]:
    """Every reject of a catalogue, as `check` writes them."""
    run("check", path, *options, "--rejects", "bad.jsonl")
    file = Path("bad.jsonl")
    return [json.loads(line) for line in file.read_bytes().splitlines()] if file.exists() else []


def the_reject(path: Path, *options: str) -> dict[str, Any]:
    rejects = rejects_of(path, *options)
    assert len(rejects) == 1
    return rejects[0]


def columns(*ids: Any, kind: pa.DataType | None = None) -> dict[str, pa.Array]:
    """The four required columns."""
    rest = {name: pa.array([value] * len(ids)) for name, value in good().items()}
    return {**rest, "id": pa.array(list(ids), kind)}


def parquet(name: str, table: dict[str, Any], **options: Any) -> Write:
    def write(folder: Path) -> Path:
        pq.write_table(pa.table(table), folder / name, **options)
        return folder / name

    return write


def text(name: str, content: bytes) -> Write:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return write


def windows(*pairs: tuple[Any, Any], kind: pa.DataType = WINDOW) -> pa.Array:
    return pa.array([[{"market": "SE", "from": opens, "until": closes}] for opens, closes in pairs], pa.list_(kind))


def spelt(item_id: str, opens: str | None = None, closes: str | None = None, **fields: Any) -> dict[str, Any]:
    bounds = {"from": opens, "until": closes}
    window = {"market": "SE"} | {name: bound for name, bound in bounds.items() if bound}
    return good(id=item_id, **({"availability": [window]} if opens or closes else {}), **fields)


LAST = datetime(9999, 12, 31)
# Nanoseconds since 1970 of 2024-05-31.
DAY_NS = 1_717_113_600 * 10**9
FRACTIONS = ("2024-05-31T00:00:00.0000004Z", "2024-06-01T23:59:59.9999999Z")
IN_NS = (DAY_NS + 400, DAY_NS + 2 * 86_400 * 10**9 - 100)
MOMENT = "2024-05-31T00:00:00.12345Z"
INWARD = ("2024-05-31T00:00:01Z", "2024-06-01T23:59:59Z")

CASES: dict[str, tuple[list[dict[str, Any]], Write]] = {
    "INT96 times": (
        [
            spelt("int96-1", opens="9999-12-31", published_at="9999-12-31T12:00:00Z"),
            spelt("int96-2", closes="9999-12-31", published_at="0001-01-01"),
        ],
        parquet(
            "c.parquet",
            {
                **columns("int96-1", "int96-2"),
                "availability": windows((LAST, None), (None, LAST)),
                "published_at": pa.array([LAST.replace(hour=12), datetime(1, 1, 1)], pa.timestamp("us")),
            },
            use_deprecated_int96_timestamps=True,
        ),
    ),
    "INT96 nanoseconds": (
        [spelt("int96-3", *INWARD)],
        parquet(
            "c.parquet",
            {**columns("int96-3"), "availability": windows(IN_NS, kind=WINDOW_NS)},
            use_deprecated_int96_timestamps=True,
        ),
    ),
    "decimals in extra": (
        [good(id="decimals", extra={"big": 9_007_199_254_740_993, "year": 1999, "price": 19.99})],
        parquet(
            "c.parquet",
            {
                **columns("decimals"),
                "extra": pa.array(
                    [{"big": Decimal(9_007_199_254_740_993), "year": Decimal(1999), "price": Decimal("19.99")}],
                    pa.struct(
                        [
                            ("big", pa.decimal128(38, 0)),
                            ("year", pa.decimal128(38, 10)),
                            ("price", pa.decimal128(9, 2)),
                        ]
                    ),
                ),
            },
        ),
    ),
    "ids as decimals": (
        [good(id="17")],
        parquet("c.parquet", columns(Decimal(17), kind=pa.decimal128(38, 0))),
    ),
    "ids as unsigned hashes": ([good(id=str(HASH))], parquet("c.parquet", columns(HASH, kind=pa.uint64()))),
    "ids as hashes in JSON": ([good(id=str(HASH + 1))], text("c.jsonl", jsonl([good(id=HASH + 1)]))),
    "ids as hashes in CSV": (
        [good(id=str(HASH + 2))],
        text("c.csv", b"id,kind,title,creator\n%d,track,A title,A band\n" % (HASH + 2)),
    ),
    "UUIDs": (
        [good(id=str(UUID), tags=[str(UUID)], extra={"recording": str(UUID)})],
        parquet(
            "c.parquet",
            {
                **columns(UUID.bytes, kind=pa.uuid()),
                "tags": pa.ListArray.from_arrays([0, 1], pa.array([UUID.bytes], pa.uuid())),
                "extra": pa.StructArray.from_arrays([pa.array([UUID.bytes], pa.uuid())], ["recording"]),
            },
        ),
    ),
    "text as bytes": (
        [good(id="bytes", title="Café", tags=["dub"])],
        parquet(
            "c.parquet",
            {
                **columns(b"bytes", kind=pa.binary()),
                "title": pa.array(["Café".encode()], pa.large_binary()),
                "tags": pa.array([[b"dub"]], pa.list_(pa.binary())),
            },
        ),
    ),
    "an empty map": (
        [good(id="map-1"), good(id="map-2", extra={"label": "X"})],
        parquet(
            "c.parquet",
            {**columns("map-1", "map-2"), "extra": pa.array([[], [("label", "X")]], pa.map_(pa.string(), pa.string()))},
        ),
    ),
    "nanoseconds in a fixed-size list": (
        [spelt("fixed", *INWARD)],
        parquet(
            "c.parquet",
            {**columns("fixed"), "availability": windows(IN_NS, kind=WINDOW_NS).cast(pa.list_(WINDOW_NS, 1))},
        ),
    ),
    "fractions in Parquet": (
        [spelt("ns", *INWARD)],
        parquet("c.parquet", {**columns("ns"), "availability": windows(IN_NS, kind=WINDOW_NS)}),
    ),
    "fractions in JSON": ([spelt("json", *INWARD)], text("c.jsonl", jsonl([spelt("json", *FRACTIONS)]))),
    "fractions in CSV": (
        [spelt("csv", *INWARD)],
        text(
            "c.csv",
            b"id,kind,title,creator,availability\ncsv,track,A title,A band,"
            + b'"%s"\n' % json.dumps(spelt("csv", *FRACTIONS)["availability"]).replace('"', '""').encode(),
        ),
    ),
    "published to the microsecond in Parquet": (
        [spelt("us", published_at=MOMENT), spelt("us-before-1970", published_at="1969-12-31T23:59:59.75Z")],
        parquet(
            "c.parquet",
            {
                **columns("us", "us-before-1970"),
                "published_at": pa.array([DAY_NS // 1_000 + 123_450, -250_000], pa.timestamp("us")),
            },
        ),
    ),
    "published to the nanosecond in Parquet": (
        [spelt("nanosecond", published_at=MOMENT)],
        parquet(
            "c.parquet",
            {**columns("nanosecond"), "published_at": pa.array([DAY_NS + 123_450_999], pa.timestamp("ns"))},
        ),
    ),
    "published to the nanosecond in INT96": (
        [spelt("int96-us", published_at=MOMENT)],
        parquet(
            "c.parquet",
            {**columns("int96-us"), "published_at": pa.array([DAY_NS + 123_450_999], pa.timestamp("ns"))},
            use_deprecated_int96_timestamps=True,
        ),
    ),
    "published to the nanosecond in JSON": (
        [spelt("json-us", published_at=MOMENT)],
        text("c.jsonl", jsonl([spelt("json-us", published_at="2024-05-31T02:00:00.123450999+02:00")])),
    ),
    "published to the nanosecond in CSV": (
        [spelt("csv-us", published_at=MOMENT)],
        text(
            "c.csv",
            b"id,kind,title,creator,published_at\ncsv-us,track,A title,A band,2024-05-31T00:00:00.1234509\n",
        ),
    ),
    "the last tenth of a microsecond": (
        [spelt("last", closes="9999-12-31T23:59:59Z", published_at="9999-12-31T23:59:59.999999Z")],
        text(
            "c.jsonl",
            jsonl(
                [
                    spelt(
                        "last",
                        closes="9999-12-31T23:59:59.9999999Z",
                        published_at="9999-12-31T23:59:59.9999999Z",
                    )
                ]
            ),
        ),
    ),
}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a release of all spelt rows."""
    folder = tmp_path_factory.mktemp("spelt")
    before = Path.cwd()
    os.chdir(folder)
    try:
        write_jsonl(folder / "spelt.jsonl", [row for rows, _ in CASES.values() for row in rows])
        built = run("index", "build", "spelt.jsonl", "--activate")
    finally:
        os.chdir(before)
    assert built.code == 0, built.text
    return folder


@pytest.mark.parametrize("name", CASES)
def test_the_rows_are_those_that_are_spelt_out(
    live: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whoever reads nanoseconds by pandas fails here, as where there is no pandas.
    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.chdir(live)
    rows, write = CASES[name]
    path = write(tmp_path)
    assert check(path) == (0, f"catalogue: {len(rows)} rows read, {len(rows)} accepted, 0 rejected\n")
    told = run("index", "diff", path, "--json")
    assert told.code == 0, told.text
    counts = json.loads(told.text)
    kinds = ("unchanged", "changed", "payload_changed", "added")
    assert [counts[kind] for kind in kinds] == [len(rows), 0, 0, 0], counts["examples"]


def test_a_microsecond_is_a_difference(live: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(live)
    rows = [spelt("json-us", published_at="2024-05-31T00:00:00.123451Z"), spelt("csv-us", published_at=MOMENT[:19])]
    told = run("index", "diff", write_jsonl(tmp_path / "c.jsonl", rows), "--json")
    assert json.loads(told.text)["payload_changed"] == 2, told.text


BEYOND: dict[str, tuple[pa.Array, str]] = {
    "INT96 in the year 290,000": (pa.array([9_089_348_884_560_000_000], pa.timestamp("us")), '"9089348884560 s since'),
    "infinity as a date": (pa.array([2**31 - 1], pa.date32()), '"infinity"'),
    "minus infinity as a date": (pa.array([1 - 2**31], pa.date32()), '"-infinity"'),
    "infinity as a time": (pa.array([2**63 - 1], pa.timestamp("us")), '"infinity"'),
    "the year 10183": (pa.array([3_000_000], pa.date32()), '"3000000 days since 1970"'),
}


@pytest.mark.parametrize("name", BEYOND)
def test_a_time_that_no_row_can_hold_is_a_reject_that_names_its_field(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    times, came = BEYOND[name]
    table = {**columns("a"), "published_at": times}
    path = parquet("c.parquet", table, use_deprecated_int96_timestamps="INT96" in name)(tmp_path)
    reject = the_reject(path)
    assert (reject["line"], reject["field"]) == (1, "published_at")
    assert reject["came"].startswith(came)


def test_a_decimal_that_no_number_of_a_row_keeps_is_refused_in_extra_and_rounded_in_a_measure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    third = Decimal("0.33333333333333333333")
    kind = pa.decimal128(38, 20)
    measured = {**columns("a"), "popularity": pa.array([third], kind)}
    assert check(parquet("measure.parquet", measured)(tmp_path)).code == 0
    named = {**columns("a"), "extra": pa.array([{"share": third}], pa.struct([("share", kind)]))}
    reject = the_reject(parquet("extra.parquet", named)(tmp_path))
    assert reject["field"].startswith("extra")
    assert str(third) in reject["came"]


@pytest.mark.parametrize("name", ["duration_s", "popularity", "min_age"])
@pytest.mark.parametrize(("number", "came"), [(float("nan"), "NaN"), (float("inf"), "Infinity")])
def test_a_number_that_is_none_is_told_as_it_came(
    tmp_path: Path, name: str, number: float, came: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = text("c.jsonl", jsonl([good(**{"text": "long " * 30, name: number})]))(tmp_path)
    for path in (parquet("c.parquet", {**columns("a"), name: pa.array([number])})(tmp_path), lines):
        reject = the_reject(path)
        assert (reject["field"], reject["came"]) == (name, came)


@pytest.mark.parametrize("name", ["at", "weight"])
def test_a_number_that_is_none_is_told_in_interactions(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_jsonl(tmp_path / "c.jsonl", [good()])
    users = {"user_id": pa.array(["u"]), "item_id": pa.array(["a"]), name: pa.array([float("nan")])}
    parquet("i.parquet", users)(tmp_path)
    write_jsonl(tmp_path / "i.jsonl", [{"user_id": "u", "item_id": "a", name: float("nan")}])
    for file in ("i.parquet", "i.jsonl"):
        reject = the_reject(Path("c.jsonl"), "--interactions", file)
        assert (reject["field"], reject["came"]) == (name, "NaN")


def test_ids_of_listens_may_be_decimals_hashes_and_uuids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_jsonl(tmp_path / "c.jsonl", [good(id="17"), good(id=str(HASH)), good(id=str(UUID))])
    for number, (ids, kind) in enumerate(
        [(Decimal(17), pa.decimal128(38, 0)), (HASH, pa.uint64()), (UUID.bytes, pa.uuid()), (b"17", pa.binary())]
    ):
        listens = {"user_id": pa.array([ids], kind), "item_id": pa.array([ids], kind)}
        told = run("check", "c.jsonl", "--interactions", parquet(f"{number}.parquet", listens)(tmp_path))
        assert told.code == 0, told.text


def test_an_id_of_more_digits_than_an_id_has_characters_is_one_reject(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = b"".join(
        jsonl([good(id="ID")]).replace(b'"ID"', b"9" * digits) for digits in (511, 512, 513, 4_300, 4_301, 9_000)
    )
    (tmp_path / "c.jsonl").write_bytes(lines)
    rejects = rejects_of(tmp_path / "c.jsonl")
    assert [reject["line"] for reject in rejects] == [2, 3, 4, 5, 6]


def test_bytes_that_are_no_text_name_the_field_and_the_type_of_its_column(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    table = {**columns("a", "b"), "album": pa.array([b"caf\xe9", b"fine"], pa.binary())}
    reject = the_reject(parquet("c.parquet", table)(tmp_path))
    assert (reject["line"], reject["field"]) == (1, "album")
    assert reject["expected"] == "UTF-8 text (the column is binary)"
    assert "0xe9" in reject["came"]


@pytest.mark.parametrize(
    ("kind", "value", "named"),
    [
        (pa.duration("s"), 60, "duration[s]"),
        (pa.time64("us"), 60, "time64[us]"),
        (pa.binary(16), UUID.bytes, "fixed_size_binary[16]"),
        (pa.list_(pa.struct([("length", pa.duration("s"))])), [{"length": 1}], "column[].length of the type"),
    ],
)
def test_a_type_that_no_row_has_is_one_error_that_names_the_column_and_its_type(
    tmp_path: Path, kind: pa.DataType, value: Any, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    table = {**columns("a", "b", "c"), "column": pa.array([value] * 3, kind)}
    told = check(parquet("c.parquet", table)(tmp_path))
    assert told.code == 1
    assert "expected a type that rows have" in told.text
    assert named in told.text
    assert "1 rejected" in told.text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b",id,kind,title,creator\n0,a,track,t,c\n1,b,track,t,c\n", "an empty header cell, number 1 of 5"),
        (b"id,kind,title,creator,,\na,track,t,c,,\n", "an empty header cell, number 5 of 6"),
        ("id,kind,title,creator\na,track,t,c\n".encode("utf-16"), "UTF-16"),
        ("id,kind,title,creator\na,track,t,c\n".encode("utf-16-be"), "UTF-16"),
        ("id,kind,title,creator\na,track,t,c\n".encode("utf-16-le"), "UTF-16"),
    ],
)
def test_a_csv_that_is_none_is_one_error(
    tmp_path: Path, content: bytes, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = check(text("c.csv", content)(tmp_path))
    assert told.code == 1
    assert said in told.text
    assert "1 rejected" in told.text


def test_jsonl_in_utf_16_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = check(text("c.jsonl", jsonl([good(), good(id="b")]).decode().encode("utf-16"))(tmp_path))
    assert told.code == 1
    assert "expected UTF-8 text, came UTF-16" in told.text
    assert "1 rejected" in told.text


def test_a_field_without_a_name_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    reject = the_reject(write_jsonl(tmp_path / "c.jsonl", [good(**{"": 1})]))
    assert reject["field"] == '""'
    table = {"": pa.array([0]), **columns("a")}
    told = check(parquet("c.parquet", table)(tmp_path))
    assert "a name for every column, came none for column 1 of 5" in told.text


MARKS = {
    "_delta_log/00000000000000000000.json": "Delta Lake",
    ".hoodie/hoodie.properties": "Apache Hudi",
    "metadata/v1.metadata.json": "Apache Iceberg",
    "metadata/version-hint.text": "Apache Iceberg",
    "_spark_metadata/0": "Spark Structured Streaming",
    "_temporary/0/part-0.parquet": "has not ended",
    ".spark-staging-1/part-0.parquet": "has not ended",
    ".hive-staging_hive_1/part-0.parquet": "has not ended",
}


def table_folder(folder: Path, mark: str) -> Path:
    """Rows, and beside them what says that these are not the rows of the table."""
    table = folder / "table"
    (table / mark).parent.mkdir(parents=True)
    (table / mark).write_text("{}")
    write_jsonl(table / "a.jsonl", [good(id="deleted since"), good(id="b")])
    return table


@pytest.mark.parametrize("mark", MARKS)
def test_a_folder_that_is_a_table_is_refused_by_what_says_so(
    tmp_path: Path, mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    table = table_folder(tmp_path, mark)
    told = check(table)
    assert told.code == 1
    assert mark.split("/")[0] in told.text
    assert MARKS[mark] in told.text
    (tmp_path / "c.jsonl").write_bytes(jsonl([good(id="b")]))
    assert run("check", "c.jsonl", "--interactions", table).code == 1


@pytest.mark.parametrize("mark", [mark for mark, what in MARKS.items() if what != "has not ended"])
def test_so_is_what_lies_in_one(tmp_path: Path, mark: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    table = table_folder(tmp_path, mark)
    (table / "data").mkdir()
    write_jsonl(table / "data" / "a.jsonl", [good()])
    for path in (table / "a.jsonl", table / "data"):
        told = check(path)
        assert told.code == 1
        assert MARKS[mark] in told.text


def test_a_folder_that_a_job_has_ended_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "rows"
    folder.mkdir()
    write_jsonl(folder / "part-0.jsonl", [good()])
    (folder / "_SUCCESS").write_text("")
    (folder / ".part-0.jsonl.crc").write_text("")
    assert check(folder).code == 0
