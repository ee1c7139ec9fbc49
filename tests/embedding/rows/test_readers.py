"""Files as a whole: folders, names, gzip, zstd, damage; and CSV rows that are no rows."""

import gzip
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedding.errors import NotFoundError, RejectedInputError
from embedding.rows import readers_csv, streams
from embedding.rows.catalogue import read_catalogue
from embedding.rows.layout import ENCODING_HINT
from embedding.rows.readers import BATCH_ROWS
from embedding.rows.rejects import Rejects
from tests.embedding.rows.row_cases import good, jsonl, packed, read_items, write_csv, write_jsonl, write_parquet, zstd

# The files that Spark wrote have times, decimals and nested columns of all kinds.
SPARK = sorted((Path(__file__).parent / "spark").glob("*/*.parquet"))
FEW = settings(max_examples=100, deadline=None)
HEADER = b"id,kind,title,creator\n"


def read_damaged(path: Path, match: str) -> tuple[list[str], Rejects]:
    """Ids that came before `read_catalogue` raised, and the rejects."""
    with Rejects(path.with_name("rejects.out")) as rejects:
        batches = read_catalogue(path, rejects)
        got: list[str] = []

        def read_all() -> None:
            for batch in batches:
                got.extend(item.id for item in batch)

        with pytest.raises(RejectedInputError, match=match):
            read_all()
    return got, rejects


def test_a_folder_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    folder.mkdir()
    write_parquet(folder / "c.parquet", [good(id="3")])
    write_jsonl(folder / "a.jsonl.gz", [good(id="1")])
    write_csv(folder / "b.csv", [good(id="2")])
    (folder / ".hidden").write_text("x")
    (folder / "_SUCCESS").write_text("")
    items, rejects = read_items(folder)
    assert [item.id for item in items] == ["1", "2", "3"]
    assert rejects.rejected == 0


@pytest.mark.parametrize("name", ["notes.txt", "c.json", "c.parquet.gz", "c.parquet.zst", "c.jsonl.zip", "jsonl"])
def test_a_name_that_no_reader_takes_is_an_error_that_names_it(tmp_path: Path, name: str) -> None:
    write_jsonl(tmp_path / "a.jsonl", [good()])
    (tmp_path / name).write_text("x")
    rejects = Rejects(tmp_path / "rejects.out")
    for path in (tmp_path, tmp_path / name):
        with pytest.raises(RejectedInputError, match=rf"\.parquet, \.jsonl, \.csv.*{name}"):
            next(read_catalogue(path, rejects))


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    rejects = Rejects(tmp_path / "rejects.out")
    with pytest.raises(NotFoundError, match=r"nothing\.csv"):
        next(read_catalogue(tmp_path / "nothing.csv", rejects))
    (tmp_path / "empty").mkdir()
    with pytest.raises(RejectedInputError, match="holds none"):
        next(read_catalogue(tmp_path / "empty", rejects))
    (tmp_path / "empty" / "inner").mkdir()
    with pytest.raises(RejectedInputError, match="inner is a folder"):
        next(read_catalogue(tmp_path / "empty", rejects))


@pytest.mark.parametrize(
    "name", ["c.jsonl", "c.csv", "c.parquet", "c.jsonl.gz", "c.csv.gz", "c.jsonl.zst", "c.csv.zst"]
)
def test_an_empty_file_is_an_error(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(packed(name, b""))
    got, rejects = read_damaged(path, name)
    assert got == []
    assert rejects.rejected == 1


@pytest.mark.parametrize("name", ["c.jsonl", "c.csv"])
def test_a_truncated_gzip_gives_what_came_before_and_then_an_error(tmp_path: Path, name: str) -> None:
    rows = [good(id=f"item-{number}", text=str(hash(str(number)))) for number in range(2000)]
    write = write_jsonl if name == "c.jsonl" else write_csv
    whole = write(tmp_path / f"{name}.gz", rows).read_bytes()
    folder = tmp_path / "rows"
    folder.mkdir()
    (folder / f"{name}.gz").write_bytes(whole[: len(whole) // 2])
    write_jsonl(folder / "z.jsonl", [good(id="in another file")])
    got, rejects = read_damaged(folder, "ends early")
    assert 100 < len(got) < 2000
    assert got == [*(f"item-{number}" for number in range(len(got) - 1)), "in another file"]
    assert (rejects.accepted, rejects.rejected) == (len(got), 1)
    header = name == "c.csv"
    assert rejects.first[0].line in (len(got) + header, len(got) + header + 1)


@pytest.mark.parametrize("place", [2, -6])
def test_broken_gzip_is_an_error(tmp_path: Path, place: int) -> None:
    content = bytearray(gzip.compress(jsonl([good(id=str(number)) for number in range(50)])))
    content[place] ^= 0xFF
    (tmp_path / "c.jsonl.gz").write_bytes(content)
    read_damaged(tmp_path / "c.jsonl.gz", "expected gzip data")


@pytest.mark.parametrize("name", ["c.jsonl", "c.csv"])
def test_a_truncated_zstd_gives_what_came_before_and_then_an_error(tmp_path: Path, name: str) -> None:
    # A block of zstd is 128 kB of rows: what is cut before its first block ends has none to give.
    rows = [good(id=f"item-{number}", text=f"{number * 2_654_435_761 % 2**32:x}" * 20) for number in range(4000)]
    write = write_jsonl if name == "c.jsonl" else write_csv
    whole = write(tmp_path / f"{name}.zst", rows).read_bytes()
    folder = tmp_path / "rows"
    folder.mkdir()
    (folder / f"{name}.zst").write_bytes(whole[: len(whole) // 2])
    write_jsonl(folder / "z.jsonl", [good(id="in another file")])
    got, rejects = read_damaged(folder, "expected zstd data to its end, came a file that ends early")
    assert 100 < len(got) < 4000
    assert got == [*(f"item-{number}" for number in range(len(got) - 1)), "in another file"]
    assert (rejects.accepted, rejects.rejected) == (len(got), 1)
    header = name == "c.csv"
    assert rejects.first[0].line in (len(got) + header, len(got) + header + 1)


def test_one_byte_short_of_zstd_is_seen(tmp_path: Path) -> None:
    whole = zstd(jsonl([good(id=str(number)) for number in range(50)]))
    for size in (1, 4, len(whole) // 2, len(whole) - 1):
        (tmp_path / "c.jsonl.zst").write_bytes(whole[:size])
        read_damaged(tmp_path / "c.jsonl.zst", "expected zstd data to its end")


@pytest.mark.parametrize(
    "content", [b"\x27" + zstd(jsonl([good()]))[1:], zstd(jsonl([good()])) + b"none", jsonl([good()])]
)
def test_broken_zstd_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "c.jsonl.zst").write_bytes(content)
    read_damaged(tmp_path / "c.jsonl.zst", "expected zstd data, came bytes that are none")


def test_zstd_whose_checksum_is_wrong_is_an_error(tmp_path: Path) -> None:
    """As the command `zstd` writes it, with a checksum at the end, which Arrow itself does not write."""
    content = bytearray.fromhex(
        "28b52ffd0458f901007b226964223a2261222c226b696e64223a22747261636b222c227469746c65223a2241207469746c65222c"
        "2263726561746f72223a22412062616e64227d0a80792058"
    )
    (tmp_path / "c.jsonl.zst").write_bytes(content)
    items, _ = read_items(tmp_path / "c.jsonl.zst")
    assert [item.id for item in items] == ["a"]
    content[-1] ^= 1
    (tmp_path / "c.jsonl.zst").write_bytes(content)
    read_damaged(tmp_path / "c.jsonl.zst", "expected zstd data, came .*checksum")


def test_zstd_of_many_frames_is_read_to_its_end(tmp_path: Path) -> None:
    """As several threads write it, or `cat a.zst b.zst`; a frame to skip may lie between."""
    skipped = b"\x50\x2a\x4d\x18\x04\x00\x00\x00note"
    frames = [zstd(jsonl([good(id=str(number))])) for number in range(3)]
    (tmp_path / "c.jsonl.zst").write_bytes(frames[0] + skipped + frames[1] + frames[2])
    items, rejects = read_items(tmp_path / "c.jsonl.zst")
    assert [item.id for item in items] == ["0", "1", "2"]
    assert rejects.rejected == 0


def test_a_truncated_parquet_is_an_error(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "c.parquet", [good(id=str(number)) for number in range(100)])
    path.write_bytes(path.read_bytes()[:-50])
    read_damaged(path, "whole Parquet file")


def test_no_good_row_is_never_taken(tmp_path: Path) -> None:
    _, rejects = read_items(write_jsonl(tmp_path / "c.jsonl", [good(kind="song")] * 3))
    assert (rejects.accepted, rejects.rejected) == (0, 3)
    with pytest.raises(RejectedInputError, match="not one good row"):
        rejects.enforce(1.0)


def test_batches_are_bounded_in_rows_and_in_bytes(tmp_path: Path) -> None:
    rejects = Rejects(tmp_path / "rejects.out")
    many = write_jsonl(tmp_path / "many.jsonl", [good(id=str(number)) for number in range(BATCH_ROWS + 1)])
    assert [len(batch) for batch in read_catalogue(many, rejects)] == [BATCH_ROWS, 1]
    long = write_jsonl(tmp_path / "long.jsonl", [good(id=str(number), text="x" * 2_000_000) for number in range(17)])
    assert [len(batch) for batch in read_catalogue(long, rejects)] == [9, 8]


def test_a_line_beyond_the_bound_is_one_reject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (streams, readers_csv):
        monkeypatch.setattr(module, "MAX_LINE_BYTES", 1000)
    row = jsonl([good(id="x")])
    (tmp_path / "c.jsonl").write_bytes(row + b"x" * 5_000_000 + b"\n" + jsonl([good(id="y")]) + b"x" * 1001)
    items, rejects = read_items(tmp_path / "c.jsonl")
    assert [item.id for item in items] == ["x", "y"]
    assert [reject.line for reject in rejects.first] == [2, 4]
    (tmp_path / "c.csv").write_bytes(
        HEADER + b"x,track,t,c\n" + b"x" * 5000 + b"\ny,track,t,c\n" + b'z,track,"t,c\n' * 3
    )
    items, rejects = read_items(tmp_path / "c.csv")
    assert [item.id for item in items] == ["x", "y"]
    assert [reject.line for reject in rejects.first] == [3, 5, 6, 7]


def test_a_byte_order_mark_line_ends_of_windows_and_blank_lines_do_no_harm(tmp_path: Path) -> None:
    for name, content in {
        "c.jsonl": b"\xef\xbb\xbf" + jsonl([good()]).replace(b"\n", b"\r\n") + b"\r\n  \n",
        "c.csv": b"\xef\xbb\xbf" + HEADER.replace(b"\n", b"\r\n") + b"\r\na,track,t,c\r\n\r\n",
    }.items():
        (tmp_path / name).write_bytes(content)
        items, rejects = read_items(tmp_path / name)
        assert [item.id for item in items] == ["a"]
        assert rejects.rejected == 0


def test_lists_flags_and_empty_cells_of_csv(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(
        "id,kind,title,creator,creators,tags,explicit,min_age,album\n"
        "a,track,t,c,c; d ;,jazz,TRUE,,\n"
        'b,track,t,c,"[""c; d""]",[],False,16,\n'
        "c,track,t,c,[live],,,,\n"
        "d,track,t,c,,,yes,,\n"
    )
    items, rejects = read_items(tmp_path / "c.csv")
    assert [(item.creators, item.tags, item.explicit, item.min_age, item.album) for item in items] == [
        (("c", "d"), ("jazz",), True, 0, None),
        (("c; d",), (), False, 16, None),
    ]
    assert [(reject.line, reject.field) for reject in rejects.first] == [(4, "creators"), (5, "explicit")]


@pytest.mark.parametrize(
    ("header", "match"),
    [
        (b"id,kind,title,title,creator\n", "each column once.*title"),
        (b"id,kind,title\n", "columns id, kind, title, creator"),
        (b"id;kind;title;creator\n", "with commas between .other columns are read by a map: nearfield import table"),
        (b"id,kind,title,creator\rb,track,t,c\r", "carriage return within a line .save it with the line ends"),
        (b"\n\r\n", "line 3: expected columns id, kind, title, creator"),
        (b'id,"kind\n', "header row"),
    ],
)
def test_a_header_that_is_none_is_an_error(tmp_path: Path, header: bytes, match: str) -> None:
    (tmp_path / "c.csv").write_bytes(header + b"a,track,t,c\n")
    got, _ = read_damaged(tmp_path / "c.csv", match)
    assert got == []


def test_blank_lines_before_a_header_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_bytes(b"\n\r\n" + HEADER + b"a,track,t,c\nb,song,t,c\n")
    items, rejects = read_items(tmp_path / "c.csv")
    assert [item.id for item in items] == ["a"]
    assert [reject.line for reject in rejects.first] == [5]


@pytest.mark.parametrize("field", ["id", "title", "creator", "album", "creators", "tags"])
def test_what_should_have_been_text_is_told_to_be_none(tmp_path: Path, field: str) -> None:
    # The message must not be one that the value which is shown with it meets: 1.5 has up to 1,000 characters.
    write_jsonl(tmp_path / "c.jsonl", [good(**{field: [1.5] if field in ("creators", "tags") else 1.5})])
    _, rejects = read_items(tmp_path / "c.jsonl")
    assert [reject.expected.startswith("text of") for reject in rejects.first] == [True]


@pytest.mark.parametrize("half", ["\\ud800", "\\udc00 and more", "\\uD83D and more"])
def test_half_of_a_surrogate_pair_is_told_to_be_no_text(tmp_path: Path, half: str) -> None:
    row = jsonl([good(text="WHOLE" * 50, album="HALF")]).decode().replace("WHOLE", "\\ud83d\\ude00")
    (tmp_path / "c.jsonl").write_text(row.replace("HALF", half))
    _, rejects = read_items(tmp_path / "c.jsonl")
    assert [reject.expected for reject in rejects.first] == ["Unicode text (half of a surrogate pair is none)"]
    assert half[:6] in rejects.first[0].came.replace("\\\\", "\\")


def test_csv_rows_that_are_none_cost_only_themselves(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_bytes(
        HEADER
        + b"few,track,t\n"
        + b"many,track,t,c,d\n"
        + b'multi,track,"two\nlines",c\n'
        + b'open,track,"never closed,c\n'
        + b"a,track,t,c\n"
        + b'b,track,"t",c\n'
        + b"latin,track,caf\xe9,c\n"
        + b'c,track,"t ""quoted""",c\n'
        + b'last,track,"open to the end,c\n'
        + b"d,track,t,c\n"
    )
    items, rejects = read_items(tmp_path / "c.csv")
    assert [item.id for item in items] == ["multi", "a", "b", "c", "d"]
    assert [reject.line for reject in rejects.first] == [2, 3, 6, 9, 11]
    assert [reject.expected for reject in rejects.first] == [
        "4 cells, as in the header",
        "4 cells, as in the header",
        "a CSV row",
        f"UTF-8 text ({ENCODING_HINT})",
        "a CSV row",
    ]
    assert "quote" in rejects.first[2].came
    assert "0xe9" in rejects.first[3].came


def test_missing_and_doubled_columns_of_parquet_are_errors(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "c.parquet", [{"id": "a", "kind": "track", "title": "t"}])
    read_damaged(path, "columns id, kind, title, creator")


def test_parquet_with_a_column_whose_name_is_no_text_is_an_error(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "c.parquet", [good(album="x")])
    content = path.read_bytes()
    path.write_bytes(content.replace(b"album", b"alb\xfcm"))
    read_damaged(path, "names of columns in UTF-8")


@FEW
@given(st.lists(st.tuples(st.integers(0), st.integers(0, 255)), min_size=1, max_size=5), st.sampled_from(SPARK))
def test_a_damaged_parquet_gives_rows_or_an_error(damage: list[tuple[int, int]], whole: Path) -> None:
    content = bytearray(whole.read_bytes())
    for place, byte in damage:
        content[place % len(content)] = byte
    with tempfile.TemporaryDirectory() as folder, suppress(RejectedInputError):
        (Path(folder) / "c.parquet").write_bytes(content)
        read_items(Path(folder) / "c.parquet")
