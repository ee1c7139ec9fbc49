"""Timestamps and dates of Parquet as text, a column at a time: ISO 8601, every digit that is not zero kept."""

from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
from numpy.typing import NDArray

from embedding.rows.times import FIRST_S, LAST_S

_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_NS = 1_000_000_000
_DAY_S = 86_400


def time_texts(times: pa.Array, whole_s: pa.Array | None) -> list[str | None]:
    """A text or None for each of a column's timestamps, in UTC (`+00:00` where the column says so).

    `whole_s`: the same times in whole seconds, where those of `times` are the nanoseconds of an INT96, which wrap
    around outside the years 1677 to 2262. What lies outside the years 1 to 9999 is told as a number of its unit.
    """
    values = _integers(times)
    if whole_s is None:
        per_second = _PER_SECOND[times.type.unit]
        seconds = values // per_second
        nanoseconds = values % per_second * (_NS // per_second)
    else:
        seconds = _integers(whole_s)
        # Modulo 2**64, in which both have wrapped the same number of times.
        nanoseconds = (values.view(np.uint64) - seconds.view(np.uint64) * np.uint64(_NS)).astype(np.int64)
    texts = pc.replace_substring(_of(seconds, times, pa.timestamp("s")), " ", "T", max_replacements=1)
    if nanoseconds.any():
        texts = _with_fractions(texts, nanoseconds)
    if times.type.tz is not None:
        texts = pc.binary_join_element_wise(texts, "+00:00", "")
    return _told(texts, seconds, *((values, times.type.unit) if whole_s is None else (seconds, "s")))


def date_texts(dates: pa.Array, _whole_s: pa.Array | None) -> list[str | None]:
    """A text or None for each of a column's dates; told as `time_texts` outside the years 1 to 9999."""
    days = _integers(dates.cast(pa.date32(), safe=False))
    return _told(_of(days, dates, pa.date32()), days * _DAY_S, days, "days")


def _integers(array: pa.Array) -> NDArray[np.int64]:
    """Integers (N,) that stand for a column's times; where there is none, 0."""
    width = pa.int32() if pa.types.is_date32(array.type) else pa.int64()
    # A zone changes nothing of the integers, and a machine may lack what Arrow knows zones by.
    return np.asarray(array.view(width).fill_null(0)).astype(np.int64)


def _of(integers: NDArray[np.int64], like: pa.Array, kind: pa.DataType) -> pa.Array:
    """Texts of `integers` read as `kind`, null where `like` is."""
    width = np.int32 if pa.types.is_date32(kind) else np.int64
    return pa.array(integers.astype(width), mask=np.asarray(like.is_null())).view(kind).cast(pa.string())


def _with_fractions(texts: pa.Array, nanoseconds: NDArray[np.int64]) -> pa.Array:
    digits = pc.utf8_lpad(pa.array(nanoseconds).cast(pa.string()), 9, "0")
    texts = pc.binary_join_element_wise(texts, digits, ".")
    # Six digits, as Python writes them, unless there is something below a microsecond.
    return pc.replace_substring_regex(pc.replace_substring_regex(texts, r"000$", ""), r"\.000000$", "")


def _told(texts: pa.Array, seconds: NDArray[np.int64], values: NDArray[np.int64], unit: str) -> list[str | None]:
    told: list[Any] = texts.to_pylist()
    for place in np.flatnonzero((seconds < FIRST_S) | (seconds > LAST_S)).tolist():
        told[place] = _beyond(int(values[place]), unit)
    return told


def _beyond(value: int, unit: str) -> str:
    # What DuckDB and PostgreSQL write for their `infinity`; there are no such times of any other meaning.
    extreme = (1 << 31) - 1 if unit == "days" else (1 << 63) - 1
    if abs(value) >= extreme:
        return "infinity" if value > 0 else "-infinity"
    return f"{value} {unit} since 1970"
