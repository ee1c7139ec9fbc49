"""Readers of rows: each format of a catalogue and of interactions, with and without a map."""

import gzip
import io
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from embedding.errors import NearfieldError, RejectedInputError
from embedding.importers.table.proposal import Choices, propose
from embedding.progress import Reporter
from embedding.rows.catalogue import read_catalogue
from embedding.rows.catalogue_parser import CATALOGUE_PARSER
from embedding.rows.column_map.declaration import parse_map
from embedding.rows.column_map.row_parsers import mapped_rows
from embedding.rows.interactions import read_interactions
from embedding.rows.rejects import Rejects
from tests.embedding.rows.row_cases import jsonl, write_csv, write_parquet, zstd
from tests.embedding.rows.workbooks import workbook
from tests.fuzz.counting import lines_of_json, rows_of_csv, rows_of_sheet
from tests.fuzz.drawn import (
    CSV,
    GZIP,
    JSONL,
    ZSTD,
    csv_files,
    edited,
    pieces_of,
    spoilt,
)
from tests.fuzz.drawn import (
    INTERACTIONS as DRAWN_INTERACTIONS,
)
from tests.fuzz.drawn_tables import PARQUET, sheet_of, spark_files, with_sheet, workbooks
from tests.fuzz.reader import FuzzReader, expect
from tests.fuzz.seeds import CSV_TABLE, GOOD_ROWS, INTERACTIONS, MAP, SHEET, SHEET_MAP, made

Count = Callable[[bytes], int | None]
_QUIET = Reporter("none")
_WORKBOOK = made(lambda path: workbook(path, SHEET))
_SHEET_XML = sheet_of(_WORKBOOK)
_TABLE = spoilt(
    edited([CSV_TABLE], pieces_of(CSV_TABLE.decode())) | csv_files(CSV_TABLE.decode().partition("\r")[0].split(","))
)
_MAPPED = mapped_rows(parse_map(MAP, "map.toml"), "map.toml").catalogue
_SHEET_MAPPED = mapped_rows(parse_map(SHEET_MAP, "map.toml"), "map.toml").catalogue


def _counted(data: bytes, path: Path, read: Callable[[Path, Rejects], Any], count: Count) -> None:
    """Read `data` under the name of `path` and compare what came with what went in."""
    path.write_bytes(data)
    taken = 0
    damage: RejectedInputError | None = None
    with Rejects(path.with_name("rejects.jsonl")) as rejects:
        try:
            for batch in read(path, rejects):
                taken += len(batch)
        except RejectedInputError as error:
            damage = error
    expect(rejects.accepted == taken, f"{taken} rows came, {rejects.accepted} were counted")
    expect(rejects.num_faults >= rejects.rejected, "a row was rejected without a word")
    if rejects.rejected:
        written = rejects.path.read_bytes().count(b"\n")
        expect(written == rejects.num_faults, f"{rejects.num_faults} faults, {written} in the file")
    if damage is not None:
        expect(rejects.rejected > 0, "a damaged file without a reject")
        raise damage
    expected = count(data)
    expect(expected in (None, rejects.read), f"{expected} rows went in, {rejects.read} came out")


def _catalogue(name: str, count: Count, parser: Any = CATALOGUE_PARSER) -> Callable[[bytes, Path], None]:
    def read(data: bytes, folder: Path) -> None:
        _counted(data, folder / name, lambda path, rejects: read_catalogue(path, rejects, parser=parser), count)

    return read


def _interactions(name: str, count: Count) -> Callable[[bytes, Path], None]:
    def read(data: bytes, folder: Path) -> None:
        _counted(data, folder / name, lambda path, rejects: read_interactions(path, rejects), count)

    return read


def _gzip_lines(data: bytes) -> int | None:
    unpacked = b""
    while data:
        member = zlib.decompressobj(wbits=31)
        try:
            unpacked += member.decompress(data)
        except zlib.error:
            return None
        # Zeros between members and behind them are padding.
        data = member.unused_data.lstrip(b"\0")
    return lines_of_json(unpacked)


def _zstd_lines(data: bytes) -> int | None:
    try:
        with pa.CompressedInputStream(pa.BufferReader(data), "zstd") as stream:
            return lines_of_json(stream.read())
    except OSError:
        return None


def _footer_rows(data: bytes) -> int | None:
    rows: int = pq.read_metadata(io.BytesIO(data)).num_rows
    return rows


def _sheet_rows(data: bytes) -> int | None:
    rows = rows_of_sheet(data)
    return None if rows is None else rows - 1


def _by_map(data: bytes, folder: Path) -> None:
    """`data` is the map: a table of two rows is read by it."""
    path = folder / "table.csv"
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    parsers = mapped_rows(parse_map(text, "map.toml"), "map.toml")
    _counted(CSV_TABLE, path, lambda path, rejects: read_catalogue(path, rejects, parser=parsers.catalogue), _no_count)


def _no_count(_data: bytes) -> None:
    """A map may say that the header is a row below, or that cells end elsewhere."""


def _proposed(data: bytes, folder: Path) -> None:
    """A map is proposed for the table `data`, which must then be one that can be taken."""
    path = folder / "table.csv"
    path.write_bytes(data)
    text = propose(path, Choices(dates="day-first", duration_unit="m:s", kind="track"), _QUIET)
    try:
        mapped_rows(parse_map(text, "proposed"), "proposed")
    except NearfieldError as error:
        raise AssertionError(f"the map that was proposed is refused: {error}\n{text}") from error


def _xlsx_sheet(data: bytes, folder: Path) -> None:
    """`data` is the XML of the sheet in an otherwise good workbook."""
    path = folder / "table.xlsx"
    _catalogue(path.name, _sheet_rows, _SHEET_MAPPED)(with_sheet(_WORKBOOK, data), folder)


READERS = (
    FuzzReader("jsonl", _catalogue("rows.jsonl", lines_of_json), lambda: [jsonl(GOOD_ROWS)], JSONL),
    FuzzReader(
        "jsonl.gz", _catalogue("rows.jsonl.gz", _gzip_lines), lambda: [gzip.compress(jsonl(GOOD_ROWS), mtime=0)], GZIP
    ),
    FuzzReader("jsonl.zst", _catalogue("rows.jsonl.zst", _zstd_lines), lambda: [zstd(jsonl(GOOD_ROWS))], ZSTD),
    FuzzReader("csv", _catalogue("rows.csv", rows_of_csv), lambda: [made(lambda at: write_csv(at, GOOD_ROWS))], CSV),
    FuzzReader(
        "parquet",
        _catalogue("rows.parquet", _footer_rows),
        lambda: [made(lambda at: write_parquet(at, GOOD_ROWS[:2])), *spark_files()],
        PARQUET,
    ),
    FuzzReader(
        "xlsx",
        _catalogue("rows.xlsx", _sheet_rows, _SHEET_MAPPED),
        lambda: [_WORKBOOK],
        spoilt(workbooks(SHEET[0])),
    ),
    FuzzReader("xlsx sheet", _xlsx_sheet, lambda: [_SHEET_XML], edited([_SHEET_XML], pieces_of(_SHEET_XML.decode()))),
    FuzzReader(
        "interactions", _interactions("rows.jsonl", lines_of_json), lambda: [jsonl(INTERACTIONS)], DRAWN_INTERACTIONS
    ),
    FuzzReader("mapped csv", _catalogue("table.csv", rows_of_csv, _MAPPED), lambda: [CSV_TABLE], _TABLE),
    FuzzReader(
        "map", _by_map, lambda: [MAP.encode()], edited([MAP.encode(), SHEET_MAP.encode()], pieces_of(MAP, SHEET_MAP))
    ),
    FuzzReader("proposed map", _proposed, lambda: [CSV_TABLE], _TABLE),
)
