"""A row as written, parsed into a validated one, or the field that is wrong with it, in words."""

import difflib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Generic, Literal, TypeVar

import msgspec

from embedding.rows.rejects import shown

Raw = TypeVar("Raw", bound=msgspec.Struct)
Row = TypeVar("Row", bound=msgspec.Struct)

# What the text of a CSV cell is read as.
Cell = Literal["number", "flag", "list", "json", "time"]

_AT_PATH = re.compile(r" - at `(?:key` in `)?\$(.*)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
_UNKNOWN_FIELD = re.compile(r"unknown field `(.*?)`")


class RowProblem(Exception):
    """Why a row cannot be taken: the field (empty: the whole row), what was expected, what came (as text)."""

    def __init__(self, field: str, expected: str, came: str) -> None:
        super().__init__(f"{field or 'row'}: expected {expected}, came {came}")
        self.field = field
        self.expected = expected
        self.came = came


class RowParser(Generic[Raw, Row]):
    """The parser of one kind of row.

    `name`: what messages call such a row; `raw`: its fields as written; `build`: makes the row of them, or raises
    RowProblem; `required`: columns that a table must have; `expected`: in words what each field takes, by its path
    without list positions (`availability[].market`), or a function from the value that came to these words; `cells`:
    the type of each CSV column that is not text; `keep_digits`: fields in which a number keeps every digit of a
    decimal, or is refused, because it may be a name or an amount, where elsewhere it is a measure that may be rounded.
    """

    def __init__(
        self,
        name: str,
        raw: type[Raw],
        build: Callable[[Raw], Row],
        required: tuple[str, ...],
        expected: Mapping[str, str | Callable[[object], str]],
        cells: Mapping[str, Cell],
        keep_digits: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.required = required
        self.cells = cells
        self.keep_digits = keep_digits
        self._raw = raw
        self._build = build
        self._expected = expected
        self._decode = msgspec.json.Decoder(raw).decode
        self._types: dict[str, Any] = {field.encode_name: field.type for field in msgspec.structs.fields(raw)}

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of all fields, as they are written."""
        return tuple(self._types)

    def from_json(self, line: bytes) -> Row:
        """The row in one JSON object; RowProblem says what is wrong with it."""
        try:
            return self._build(self._decode(line))
        except msgspec.ValidationError:
            pass
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self._not_plain_json(line, error) from None
        # Parse once more without types, to say which field is wrong.
        try:
            fields = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self._not_plain_json(line, error) from None
        if not isinstance(fields, dict):
            raise RowProblem("", "a JSON object", shown(fields))
        return self._explained(fields)

    def from_fields(self, fields: dict[str, Any]) -> Row:
        """The row in a dict of plain values (text, numbers, booleans, lists, dicts); RowProblem otherwise."""
        try:
            return self._build(msgspec.convert(fields, self._raw))
        except (msgspec.ValidationError, RecursionError):
            return self._explained(fields)

    def _not_plain_json(self, line: bytes, error: Exception) -> RowProblem:
        """The problem of a field that is NaN or beyond all floats, which Python reads; else that of the line."""
        try:
            fields = json.loads(line)
            if isinstance(fields, dict):
                self._explained(fields)
        except RowProblem as problem:
            return problem
        except (ValueError, RecursionError):
            pass
        return _not_json(line, error)

    def _explained(self, fields: dict[str, Any]) -> Row:
        """The row after all, where the only trouble was a null; else RowProblem for its first bad field."""
        try:
            fields = without_nulls(fields)
        except RecursionError:
            raise RowProblem("", "lists and objects within reason", "some nested too deep") from None
        for name in fields:
            if name not in self._types:
                raise RowProblem(_label(name), self._unknown(name), shown(fields[name]))
        for name, type_ in self._types.items():
            if name in fields:
                try:
                    msgspec.convert(fields[name], type_)
                except msgspec.ValidationError as error:
                    raise self._problem(name, fields[name], str(error)) from None
        return self._build(msgspec.convert(fields, self._raw))

    def _unknown(self, name: str) -> str:
        close = difflib.get_close_matches(name, self._types, n=1)
        if close:
            return f"a field of {self.name} (did you mean {close[0]}?)"
        where = "; what has no field of its own belongs in extra" if "extra" in self._types else ""
        return f"a field of {self.name}: {', '.join(self._types)}{where}"

    def _problem(self, name: str, value: Any, message: str) -> RowProblem:
        """The problem that msgspec found in field `name`, at the path that its message ends with."""
        path, general = name, name
        found = _AT_PATH.search(message)
        for key, place in _STEP.findall(found.group(1)) if found else []:
            if place == "...":
                break
            value = value[int(place)] if place else value[key]
            path += f"[{place}]" if place else f".{key}"
            general += "[]" if place else f".{key}"
        unknown = _UNKNOWN_FIELD.search(message)
        if unknown and isinstance(value, dict):
            key = unknown.group(1)
            return RowProblem(f"{path}.{_label(key)}", self._words(general, value), shown(value.get(key)))
        return RowProblem(path, self._words(general, value), shown(value))

    def _words(self, general: str, value: object) -> str:
        words = self._expected[general]
        return words if isinstance(words, str) else words(value)


def without_nulls(value: Any) -> Any:
    """`value` without anything that is null, at any depth."""
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [without_nulls(inner) for inner in value if inner is not None]
    return value


def _label(name: str) -> str:
    """A field's name as somebody else wrote it, fit for one line."""
    if not name:
        return '""'
    return shown(name)[1:-1] if len(name) <= 60 else shown(name[:60])[1:-1] + "…"


def _not_json(line: bytes, error: Exception) -> RowProblem:
    if isinstance(error, UnicodeDecodeError):
        return not_utf8(line)
    if isinstance(error, RecursionError):
        return RowProblem("", "a JSON object within reason", "lists or objects nested too deep")
    return RowProblem("", "a JSON object on one line", shown(line.rstrip(b"\r\n")))


def not_utf8(line: bytes) -> RowProblem:
    """The problem of a line that is not UTF-8, shown around its first bad byte."""
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        around = line[max(0, error.start - 20) : error.start + 20].rstrip(b"\r\n")
        return RowProblem("", "UTF-8 text", f"byte 0x{line[error.start]:02x} in {shown(around)}")
    # A lone surrogate written as an escape is good UTF-8 and still no text.
    return RowProblem("", "Unicode text", shown(line.rstrip(b"\r\n")))
