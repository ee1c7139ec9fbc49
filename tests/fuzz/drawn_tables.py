"""Tables of typed cells as Hypothesis draws them: Parquet, and workbooks."""

import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
from hypothesis import reject
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from openpyxl.worksheet.worksheet import Worksheet

from tests.fuzz.drawn import ITEM_FIELDS, WORDS, spoilt

_SPARK = Path(__file__).parents[1] / "fixtures" / "spark"
# Before it, workbooks count days in two ways.
_FIRST_DAY = datetime(1900, 3, 1)
_SHEET = "xl/worksheets/sheet1.xml"

# Column types of Parquet, with values that they can hold.
_DAYS = st.dates(min_value=date(1, 1, 1))
_MOMENTS = st.integers(-(2**63), 2**63 - 1)
_PAIRS = st.dictionaries(st.text(max_size=5), st.integers(0, 9), max_size=2).map(lambda pairs: list(pairs.items()))
_WINDOW = {"market": st.sampled_from(("SE", "*", "UK")), "from": st.none() | _MOMENTS, "until": st.none() | _DAYS}
_WINDOW_TYPE = pa.struct([("market", pa.string()), ("from", pa.timestamp("ns")), ("until", pa.date32())])
_COLUMNS: tuple[tuple[pa.DataType, SearchStrategy[Any]], ...] = (
    (pa.string(), st.text(max_size=8) | st.sampled_from([word for word in WORDS if word != "\ud800"])),
    (pa.binary(), st.binary(max_size=6) | st.sampled_from((b"a", b"\xff"))),
    (pa.int64(), st.integers(-(2**63), 2**63 - 1) | st.integers(0, 20)),
    (pa.uint64(), st.integers(0, 2**64 - 1)),
    (pa.int8(), st.integers(-128, 127)),
    (pa.float64(), st.floats()),
    (pa.float16(), st.floats(width=16)),
    (pa.bool_(), st.booleans()),
    (pa.decimal128(38, 0), st.integers(-(10**38) + 1, 10**38 - 1).map(Decimal)),
    (pa.decimal128(10, 4), st.integers(-(10**10) + 1, 10**10 - 1).map(lambda digits: Decimal(digits).scaleb(-4))),
    (pa.date32(), _DAYS),
    (pa.timestamp("ns"), _MOMENTS),
    (pa.timestamp("us", "UTC"), _MOMENTS),
    (pa.timestamp("ms"), _MOMENTS),
    (pa.time64("us"), st.times()),
    (pa.duration("s"), st.integers(0, 10**6)),
    (pa.list_(pa.string()), st.lists(st.none() | st.text(max_size=5), max_size=3)),
    (pa.list_(pa.timestamp("ns"), 1), st.lists(_MOMENTS, min_size=1, max_size=1)),
    (pa.map_(pa.string(), pa.int64()), _PAIRS),
    (
        pa.struct([("year", pa.int32()), ("at", pa.timestamp("us"))]),
        st.fixed_dictionaries({"year": st.integers(0, 9), "at": _MOMENTS}),
    ),
    (pa.list_(_WINDOW_TYPE), st.lists(st.fixed_dictionaries(_WINDOW), max_size=2)),
    (pa.dictionary(pa.int8(), pa.string()), st.sampled_from(("track", "episode", "en"))),
    (pa.null(), st.none()),
)


@st.composite
def _parquet(draw: DrawFn) -> bytes:
    """A table of named columns of any types; those that a row must have are good, mostly, so that rows get far."""
    num_rows = draw(st.integers(0, 4))
    good = {
        "id": [f"a{row}" for row in range(num_rows)],
        "kind": ["track"] * num_rows,
        "title": ["T"] * num_rows,
        "creator": ["C"] * num_rows,
    }
    names = [*good, *draw(st.lists(st.sampled_from([*ITEM_FIELDS, "", "id"]), max_size=4, unique=True))]
    columns = [
        pa.array(good[name], pa.string()) if name in good and draw(st.integers(0, 4)) else _column(draw, num_rows)
        for name in names
    ]
    sink = io.BytesIO()
    int96, row_group_size = draw(st.booleans()), draw(st.integers(1, 4))
    try:
        pq.write_table(
            pa.Table.from_arrays(columns, names),
            sink,
            use_deprecated_int96_timestamps=int96,
            row_group_size=row_group_size,
        )
    except pa.ArrowInvalid:
        # Not every moment is one of another unit.
        reject()
    return sink.getvalue()


def _column(draw: DrawFn, num_rows: int) -> pa.Array:
    kind, values = draw(st.sampled_from(_COLUMNS))
    cells = [draw(st.none() | values) for _ in range(num_rows)]
    if pa.types.is_dictionary(kind):
        return pa.array(cells, kind.value_type).dictionary_encode()
    return pa.array(cells, kind)


def spark_files() -> list[bytes]:
    """What Spark wrote: nested columns, INT96, Snappy."""
    return [path.read_bytes() for path in sorted(_SPARK.glob("*/*.parquet"))]


def sheet_of(workbook: bytes) -> bytes:
    """The XML of a workbook's first sheet."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        return archive.read(_SHEET)


def with_sheet(workbook: bytes, sheet: bytes) -> bytes:
    """The workbook with another first sheet."""
    sink = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as old, zipfile.ZipFile(sink, "w") as new:
        for name in old.namelist():
            new.writestr(name, sheet if name == _SHEET else old.read(name))
    return sink.getvalue()


_CELLS: SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["C"]), max_size=8)
    | st.sampled_from(("=1+1", "3:34", "2024-05-31", "SE;NO", "#N/A"))
    | st.datetimes(min_value=_FIRST_DAY)
    | st.times()
    | st.timedeltas(timedelta(0), timedelta(days=2))
)


def workbooks(header: Sequence[str]) -> SearchStrategy[bytes]:
    """Workbooks with such a header, mostly, and rows of any cells."""

    @st.composite
    def draw_file(draw: DrawFn) -> bytes:
        book = openpyxl.Workbook()
        sheet = book.active
        assert isinstance(sheet, Worksheet)
        sheet.append(list(header) if draw(st.integers(0, 9)) else draw(st.lists(_CELLS, max_size=6)))
        for _ in range(draw(st.integers(0, 3))):
            sheet.append(draw(st.lists(_CELLS, max_size=7)))
        sink = io.BytesIO()
        book.save(sink)
        return sink.getvalue()

    return draw_file()


PARQUET = spoilt(_parquet())
