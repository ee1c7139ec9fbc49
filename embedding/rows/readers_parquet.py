"""Rows from Parquet: a few hundred at a time, each column converted by its type to what the other formats have."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import repeat
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from embedding.rows.parquet_values import EXPECTED_TYPE, Convert, UnreadableTypeError, converter
from embedding.rows.rejects import shown
from embedding.rows.row_parser import Row, RowParser, RowProblem, not_utf8
from embedding.rows.streams import FileDamage

# Rows turned to Python objects at a time: with texts of 10 kB, some 5 MB.
_SLICE_ROWS = 512


def read_parquet(path: Path, parser: RowParser[Any, Row]) -> Iterator[tuple[int, int, Row | RowProblem]]:
    """Each row as (its number from 1, its bytes, the row or what is wrong with it).

    Raises FileDamage where the file is no whole Parquet file, names a column twice or not at all, lacks a required
    one, or has one of a type that no row has.
    """
    number = 0
    try:
        with ExitStack() as stack:
            source = stack.enter_context(pa.OSFile(str(path)))
            file = stack.enter_context(_opened(source, "ns"))
            _check_columns(file.schema_arrow, parser)
            parser.check_columns(file.schema_arrow.names)
            names = [name for name in file.schema_arrow.names if name not in parser.dropped]
            converts = _converts(file.schema_arrow, names, parser)
            int96 = [name for name in _int96_columns(file) if name in names]
            batches = file.iter_batches(batch_size=_SLICE_ROWS, columns=names)
            if int96:
                in_seconds = stack.enter_context(_opened(source, "s"))
                coarse = in_seconds.iter_batches(batch_size=_SLICE_ROWS, columns=int96)
            else:
                coarse = repeat(None)
            # A damaged file may end in one of them before the other: that rows are missing is seen below.
            for batch, whole in zip(batches, coarse, strict=False):
                size = batch.nbytes // max(1, batch.num_rows)
                for outcome in _outcomes(batch, whole, converts, parser):
                    number += 1
                    yield number, size, outcome
            if number != file.metadata.num_rows:
                raise pa.ArrowInvalid(f"{number:,} rows of {file.metadata.num_rows:,}")
    except UnicodeDecodeError as error:
        raise FileDamage(None, "names of columns in UTF-8", shown(error.object)) from None
    except pa.ArrowNotImplementedError as error:
        raise FileDamage(number + 1 if number else None, "Parquet that Arrow reads", str(error)) from None
    except (pa.ArrowException, OSError) as error:
        place = number + 1 if number else None
        raise FileDamage(place, "a whole Parquet file", str(error).strip() or type(error).__name__) from None


def _opened(source: pa.NativeFile, int96_unit: str) -> pq.ParquetFile:
    # Without the first two a whole row group would be held at once.
    return pq.ParquetFile(
        source,
        pre_buffer=False,
        buffer_size=2**20,
        coerce_int96_timestamp_unit=int96_unit,
        arrow_extensions_enabled=True,
    )


def _check_columns(schema: pa.Schema, parser: RowParser[Any, Row]) -> None:
    if "" in schema.names:
        place = schema.names.index("") + 1
        raise FileDamage(None, "a name for every column", f"none for column {place} of {len(schema.names)}")
    twice = sorted({name for name in schema.names if schema.names.count(name) > 1})
    if twice:
        raise FileDamage(None, "each column once", f"{twice[0]} twice")
    missing = [name for name in parser.required if name not in schema.names]
    if missing:
        raise FileDamage(None, f"columns {', '.join(parser.required)}", f"columns {', '.join(schema.names)}")


def _converts(schema: pa.Schema, names: Sequence[str], parser: RowParser[Any, Row]) -> dict[str, Convert]:
    try:
        return {name: converter(schema.field(name).type, name, name in parser.keep_digits) for name in names}
    except UnreadableTypeError as error:
        raise FileDamage(None, EXPECTED_TYPE, str(error)) from None


def _int96_columns(file: pq.ParquetFile) -> list[str]:
    """Columns that hold times as INT96, which Spark and Hive write, at any depth."""
    names = file.schema_arrow.names
    leaves = [file.schema.column(place) for place in range(len(file.schema))]
    roots = {leaf.path for leaf in leaves if leaf.physical_type == "INT96"}
    return [name for name in names if any(path == name or path.startswith(f"{name}.") for path in roots)]


def _outcomes(
    batch: pa.RecordBatch, whole: pa.RecordBatch | None, converts: dict[str, Convert], parser: RowParser[Any, Row]
) -> Iterator[Row | RowProblem]:
    if whole is not None and whole.num_rows != batch.num_rows:
        raise pa.ArrowInvalid("columns of different lengths")
    names = batch.schema.names
    try:
        rows: Any = zip(*(_column(batch, whole, name, converts) for name in names), strict=True)
    except UnicodeDecodeError:
        rows = [_row(batch, whole, place, converts) for place in range(batch.num_rows)]
    for row in rows:
        if isinstance(row, RowProblem):
            yield row
            continue
        try:
            yield parser.from_fields(dict(zip(names, row, strict=True)))
        except RowProblem as problem:
            yield problem


def _column(batch: pa.RecordBatch, whole: pa.RecordBatch | None, name: str, converts: dict[str, Convert]) -> list[Any]:
    coarse = whole.column(name) if whole is not None and name in whole.schema.names else None
    return converts[name](batch.column(name), coarse)


def _row(batch: pa.RecordBatch, whole: pa.RecordBatch | None, place: int, converts: dict[str, Convert]) -> Any:
    """One row of a batch in which some text is none; the problem where it is this row."""
    row = []
    one, one_whole = batch.slice(place, 1), None if whole is None else whole.slice(place, 1)
    for name in batch.schema.names:
        try:
            row.extend(_column(one, one_whole, name, converts))
        except UnicodeDecodeError as error:
            (fault,) = not_utf8(error.object).faults
            kind = batch.schema.field(name).type
            return RowProblem(name, f"{fault.expected} (the column is {kind})", fault.came)
    return tuple(row)
