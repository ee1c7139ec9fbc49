"""Columns of every type, nested and with nulls, against what Arrow itself makes of them value by value."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedding.rows.parquet_values import LostDigits, UnreadableTypeError, converter

EPOCH = datetime(1970, 1, 1)
MOMENTS = st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31, 23, 59, 59, 999_999))
PLAIN: tuple[tuple[pa.DataType, st.SearchStrategy[Any]], ...] = (
    (pa.string(), st.text(max_size=5)),
    (pa.large_string(), st.text(max_size=5)),
    (pa.uint64(), st.integers(0, 2**64 - 1)),
    (pa.float64(), st.floats(allow_nan=False)),
    (pa.bool_(), st.booleans()),
)


def converted(array: pa.Array, *, keep_digits: bool = False) -> list[Any]:
    return converter(array.type, "column", keep_digits)(array, None)


@st.composite
def nested(draw: st.DrawFn, depth: int = 3) -> tuple[pa.DataType, st.SearchStrategy[Any]]:
    """A type of lists, structs and plain values, and a strategy for its values."""
    shape = draw(st.sampled_from(("plain", "list", "large_list", "fixed", "struct"))) if depth else "plain"
    if shape == "plain":
        plain: tuple[pa.DataType, st.SearchStrategy[Any]] = draw(st.sampled_from(PLAIN))
        return plain
    if shape == "struct":
        fields = {name: draw(nested(depth=depth - 1)) for name in "ab"[: draw(st.integers(1, 2))]}
        values = st.fixed_dictionaries({name: st.none() | inner for name, (_, inner) in fields.items()})
        return pa.struct([(name, kind) for name, (kind, _) in fields.items()]), values
    kind, inner = draw(nested(depth=depth - 1))
    if shape == "fixed":
        return pa.list_(kind, 2), st.lists(st.none() | inner, min_size=2, max_size=2)
    return (pa.list_ if shape == "list" else pa.large_list)(kind), st.lists(st.none() | inner, max_size=3)


@given(st.data())
def test_nested_values_are_what_arrow_says(data: st.DataObject) -> None:
    kind, values = data.draw(nested())
    array = pa.array(data.draw(st.lists(st.none() | values, max_size=6)), kind)
    assert converted(array) == array.to_pylist()
    part = array.slice(data.draw(st.integers(0, 6)), data.draw(st.integers(0, 6)))
    assert converted(part) == part.to_pylist()


@given(st.lists(st.none() | st.dictionaries(st.text(max_size=3), st.none() | st.integers(0, 9), max_size=3)))
def test_maps_are_objects_and_so_are_empty_ones(rows: list[dict[str, int | None] | None]) -> None:
    pairs = [None if row is None else list(row.items()) for row in rows]
    array = pa.array(pairs, pa.map_(pa.string(), pa.int8()))
    assert converted(array) == rows
    assert converted(array.slice(1, 2)) == rows[1:3]


@given(st.lists(st.none() | MOMENTS), st.sampled_from(("s", "ms", "us")), st.booleans())
def test_timestamps_are_written_as_python_writes_them(
    moments: list[datetime | None], unit: str, with_zone: bool
) -> None:
    step = {"s": timedelta(seconds=1), "ms": timedelta(milliseconds=1), "us": timedelta(microseconds=1)}[unit]
    counts = [None if moment is None else (moment - EPOCH) // step for moment in moments]
    array = pa.array(counts, pa.timestamp(unit, "Asia/Tokyo" if with_zone else None))
    held = [None if count is None else EPOCH + count * step for count in counts]
    zone = UTC if with_zone else None
    assert converted(array) == [None if at is None else at.replace(tzinfo=zone).isoformat() for at in held]


@given(st.lists(st.none() | st.dates()), st.sampled_from((pa.date32(), pa.date64())))
def test_dates_are_written_as_python_writes_them(dates: list[date | None], kind: pa.DataType) -> None:
    assert converted(pa.array(dates, kind)) == [None if day is None else day.isoformat() for day in dates]


def test_nanoseconds_are_all_kept() -> None:
    array = pa.array([1, 1_000, 1_000_000_000, -1, None], pa.timestamp("ns"))
    assert converted(array) == [
        "1970-01-01T00:00:00.000000001",
        "1970-01-01T00:00:00.000001",
        "1970-01-01T00:00:01",
        "1969-12-31T23:59:59.999999999",
        None,
    ]


@given(
    st.lists(
        st.none() | st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12)
    )
)
def test_decimals_keep_what_they_are_worth(values: list[Decimal | None]) -> None:
    for value, number in zip(values, converted(pa.array(values, pa.decimal128(38, 4)), keep_digits=True), strict=True):
        assert (number is None) == (value is None)
        if value is not None:
            assert Decimal(repr(number)) == value
            assert isinstance(number, int) == (value == int(value))


def test_whole_decimals_are_exact_to_the_last_of_76_digits() -> None:
    most = [Decimal("9" * 76), Decimal("-" + "9" * 76)]
    assert converted(pa.array(most, pa.decimal256(76, 0)), keep_digits=True) == [int(value) for value in most]


def test_digits_that_no_float_keeps_are_told_where_they_are_asked_for() -> None:
    array = pa.array([Decimal("0.33333333333333333333")], pa.decimal128(38, 20))
    (kept,) = converted(array, keep_digits=True)
    assert isinstance(kept, LostDigits)
    assert str(kept) == "0.33333333333333333333"
    assert converted(array) == [1 / 3]


def test_dictionaries_are_what_they_stand_for() -> None:
    times = pa.array([0, None, 0], pa.timestamp("us")).dictionary_encode()
    assert converted(times) == ["1970-01-01T00:00:00", None, "1970-01-01T00:00:00"]
    assert converted(pa.array(["a", None]).dictionary_encode()) == ["a", None]


@pytest.mark.parametrize("kind", [pa.map_(pa.string(), pa.binary()), pa.map_(pa.binary(), pa.string())])
def test_bytes_in_a_map_that_are_no_text_are_those_of_their_row_alone(kind: pa.MapType) -> None:
    of = (lambda byte: [("k", byte)]) if pa.types.is_binary(kind.item_type) else (lambda byte: [(byte, "v")])
    array = pa.array([of(b"a"), of(b"\xff"), None, of(b"b")], kind)
    good = [converted(array.slice(place, 1)) for place in (0, 2, 3)]
    assert good[1] == [None]
    assert [list(*(row.items() for row in rows)) for rows in (good[0], good[2])] == [
        [tuple(text if isinstance(text, str) else text.decode() for text in pair) for pair in of(byte)]
        for byte in (b"a", b"b")
    ]
    with pytest.raises(UnicodeDecodeError):
        converted(array.slice(1, 1))


def test_json_is_read_and_what_is_none_stays_text() -> None:
    assert converted(pa.array(['{"a": [1]}', "not", None], pa.json_())) == [{"a": [1]}, "not", None]


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (pa.time32("s"), "column"),
        (pa.duration("ns"), "column"),
        (pa.binary(4), "column"),
        (pa.month_day_nano_interval(), "column"),
        (pa.list_(pa.struct([("a", pa.map_(pa.string(), pa.time64("us")))])), "column[].a.value"),
        (pa.struct([pa.field("a", pa.int8()), pa.field("a", pa.int8())]), "column"),
        (pa.run_end_encoded(pa.int32(), pa.int8()), "column"),
    ],
)
def test_a_type_that_no_row_has_is_refused_with_its_place(kind: pa.DataType, path: str) -> None:
    with pytest.raises(UnreadableTypeError) as caught:
        converter(kind, "column", False)
    assert str(caught.value).startswith(f"{path} of the type ")
