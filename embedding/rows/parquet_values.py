"""What becomes of each Parquet type: values that JSON has too, converted column by column."""

from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from embedding.rows.parquet_times import date_texts, time_texts
from embedding.rows.row_text import json_or_text

# A column, and where its times are INT96 the same column with times in whole seconds, to a value for each of its rows.
Convert = Callable[[pa.Array, pa.Array | None], list[Any]]

EXPECTED_TYPE = (
    "a type that rows have: text, numbers, true or false, dates, timestamps, UUIDs, JSON, lists, structs or maps"
)

# Arrow's names of types whose values Python has as they are, and of lists.
_PLAIN = ("string", "large_string", "string_view", "integer", "floating", "boolean", "null")
_LISTS = ("list", "large_list", "fixed_size_list", "list_view", "large_list_view")


class UnreadableTypeError(Exception):
    """A column, or what lies in it, has a type that no row has: its path, and the type in Arrow's words."""

    def __init__(self, path: str, kind: pa.DataType) -> None:
        super().__init__(f"{path} of the type {kind}")


class LostDigits(Decimal):
    """A decimal with more digits than any number of a row keeps: no field takes it, and it is shown as it is."""


def converter(kind: pa.DataType, path: str, keep_digits: bool) -> Convert:
    """How a column of the type `kind` is converted; `path` names it in errors.

    `keep_digits`: decimals that are no whole numbers and that a float would change become LostDigits, not floats.
    Raises UnreadableTypeError.
    """
    types = pa.types
    if types.is_timestamp(kind):
        return time_texts
    if types.is_date(kind):
        return date_texts
    if types.is_decimal(kind):
        number = _exact_number if keep_digits else _number
        return lambda array, _: [None if value is None else number(value) for value in array.to_pylist()]
    if _is_any(kind, "binary", "large_binary", "binary_view"):
        return lambda array, _: [None if value is None else value.decode() for value in array.to_pylist()]
    if types.is_dictionary(kind):
        values = converter(kind.value_type, path, keep_digits)
        return lambda array, whole: values(array.dictionary_decode(), whole)
    if types.is_struct(kind):
        return _struct(kind, path, keep_digits)
    if types.is_map(kind):
        return _map(kind, path, keep_digits)
    if _is_any(kind, *_LISTS):
        return _list(kind, path, keep_digits)
    if isinstance(kind, pa.UuidType):
        return lambda array, _: [None if value is None else str(value) for value in array.to_pylist()]
    if isinstance(kind, pa.JsonType):
        return lambda array, _: [None if text is None else json_or_text(text) for text in array.to_pylist()]
    if isinstance(kind, pa.Bool8Type) or _is_any(kind, *_PLAIN):
        return lambda array, _: array.to_pylist()
    raise UnreadableTypeError(path, kind)


def _is_any(kind: pa.DataType, *names: str) -> bool:
    return any(getattr(pa.types, f"is_{name}")(kind) for name in names)


def _struct(kind: pa.StructType, path: str, keep_digits: bool) -> Convert:
    names = [field.name for field in kind]
    if len(set(names)) < len(names):
        raise UnreadableTypeError(path, kind)
    children = [converter(field.type, f"{path}.{field.name}", keep_digits) for field in kind]

    def convert(array: pa.StructArray, whole: pa.StructArray | None) -> list[Any]:
        wholes = [None] * len(names) if whole is None else whole.flatten()
        columns = [child(*pair) for child, *pair in zip(children, array.flatten(), wholes, strict=True)]
        rows = [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
        if not names:
            rows = [{} for _ in range(len(array))]
        return _with_nulls(rows, array)

    return convert


def _map(kind: pa.MapType, path: str, keep_digits: bool) -> Convert:
    of_keys = converter(kind.key_type, f"{path}.key", keep_digits)
    of_items = converter(kind.item_type, f"{path}.value", keep_digits)

    def convert(array: pa.MapArray, whole: pa.MapArray | None) -> list[Any]:
        ends = array.offsets.to_pylist()
        # Of a slice, keys and items are those of the whole array.
        first, length = ends[0], ends[-1] - ends[0]
        keys, items = (
            of(part.slice(first, length), None if of_whole is None else of_whole.slice(first, length))
            for of, part, of_whole in (
                (of_keys, array.keys, None if whole is None else whole.keys),
                (of_items, array.items, None if whole is None else whole.items),
            )
        )
        places = pairwise(end - first for end in ends)
        rows = [dict(zip(keys[start:end], items[start:end], strict=True)) for start, end in places]
        return _with_nulls(rows, array)

    return convert


def _list(kind: pa.DataType, path: str, keep_digits: bool) -> Convert:
    of_values = converter(kind.value_type, f"{path}[]", keep_digits)

    def convert(array: pa.Array, whole: pa.Array | None) -> list[Any]:
        values = of_values(array.flatten(), None if whole is None else whole.flatten())
        rows: list[Any] = []
        start = 0
        for length in pc.list_value_length(array).to_pylist():
            if length is None:
                rows.append(None)
                continue
            rows.append(values[start : start + length])
            start += length
        return rows

    return convert


def _with_nulls(rows: list[Any], array: pa.Array) -> list[Any]:
    if not array.null_count:
        return rows
    return [None if null else row for row, null in zip(rows, array.is_null().to_pylist(), strict=True)]


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _exact_number(value: Decimal) -> int | float | LostDigits:
    number = _number(value)
    # The shortest digits that name a float are those that people wrote, if a float can keep them.
    return number if isinstance(number, int) or Decimal(repr(number)) == value else LostDigits(value)
