"""Rows from Parquet: a few hundred at a time, times, decimals and maps converted to what the other formats have."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from embedding.rows.row_parser import Row, RowParser, RowProblem
from embedding.rows.streams import FileDamage

# Rows turned to Python objects at a time: with texts of 10 kB, some 5 MB.
_SLICE_ROWS = 512


def read_parquet(path: Path, parser: RowParser[Any, Row]) -> Iterator[tuple[int, int, Row | RowProblem]]:
    """Each row as (its number from 1, its bytes, the row or what is wrong with it).

    Raises FileDamage where the file is no whole Parquet file, names a column twice or lacks a required one.
    """
    number = 0
    try:
        # Without these two a whole row group would be held at once.
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=2**20) as file:
            _check_columns(file.schema_arrow, parser)
            parser.check_columns(file.schema_arrow.names)
            for batch in file.iter_batches(batch_size=_SLICE_ROWS):
                size = batch.nbytes // max(1, batch.num_rows)
                for outcome in _outcomes(batch, parser):
                    number += 1
                    yield number, size, outcome
    except (pa.ArrowException, OSError) as error:
        place = number + 1 if number else None
        raise FileDamage(place, "a whole Parquet file", str(error).strip() or type(error).__name__) from None


def _check_columns(schema: pa.Schema, parser: RowParser[Any, Row]) -> None:
    twice = sorted({name for name in schema.names if schema.names.count(name) > 1})
    if twice:
        raise FileDamage(None, "each column once", f"{twice[0]} twice")
    missing = [name for name in parser.required if name not in schema.names]
    if missing:
        raise FileDamage(None, f"columns {', '.join(parser.required)}", f"columns {', '.join(schema.names)}")


def _outcomes(batch: pa.RecordBatch, parser: RowParser[Any, Row]) -> Iterator[Row | RowProblem]:
    names = batch.schema.names
    columns = [_in_microseconds(column) for column in batch.columns]
    try:
        rows = list(zip(*(column.to_pylist() for column in columns), strict=True))
    except (UnicodeDecodeError, ValueError, OverflowError):
        rows = [_row(columns, place) for place in range(batch.num_rows)]
    for row in rows:
        if isinstance(row, RowProblem):
            yield row
            continue
        try:
            yield parser.from_fields({name: _plain(value) for name, value in zip(names, row, strict=True)})
        except RowProblem as problem:
            yield problem


def _row(columns: list[pa.Array], place: int) -> Any:
    """One row of a batch in which some row has a value that Python cannot hold; the problem where it is this row."""
    try:
        return tuple(column[place].as_py() for column in columns)
    except UnicodeDecodeError:
        return RowProblem("", "UTF-8 text", "other bytes in a text column")
    except (ValueError, OverflowError) as error:
        return RowProblem("", "a time in the years 1 to 9999", str(error))


def _in_microseconds(column: pa.Array) -> pa.Array:
    """The column with its timestamps in microseconds and UTC: Python has no nanoseconds, machines may lack zones."""
    wanted = _microsecond_type(column.type)
    return column if wanted == column.type else column.cast(wanted, safe=False)


def _microsecond_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", tz=None if kind.tz is None else "UTC")
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_microsecond_type(field.type)) for field in kind])
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_microsecond_type(kind.value_type)))
    if pa.types.is_large_list(kind):
        return pa.large_list(kind.value_field.with_type(_microsecond_type(kind.value_type)))
    return kind


def _plain(value: Any) -> Any:
    """`value` in the types that JSON has."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        # A map comes as a list of pairs.
        if value and all(isinstance(inner, tuple) for inner in value):
            return {name: _plain(inner) for name, inner in value}
        return [_plain(inner) for inner in value]
    return value
