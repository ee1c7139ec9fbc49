"""A row as written, parsed into a validated one, or all that is wrong with it, in words."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, Literal, Self, TypeVar

import msgspec

from embedding.rows.layout import Layout
from embedding.rows.rejects import Fault, shown
from embedding.rows.row_faults import MAX_FAULTS, FieldFaults, of_other_fields

Raw = TypeVar("Raw", bound=msgspec.Struct)
Row = TypeVar("Row", bound=msgspec.Struct)

# The half of a pair that stands for one character, without its other half.
_HALF = re.compile(rb"\\u[dD][89abAB]..(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F]")

# What the text of a CSV cell is read as.
Cell = Literal["number", "flag", "list", "json", "time"]


class RowProblem(Exception):
    """Why a row cannot be taken: its `faults`, one or more.

    `row`: what its other fields make, None where they make nothing; a field with a fault holds anything.
    """

    def __init__(self, field: str, expected: str, came: str) -> None:
        """A row with one fault."""
        self.faults: tuple[Fault, ...] = (Fault(field, expected, came),)
        self.row: Any = None
        super().__init__(f"{field or 'row'}: expected {expected}, came {came}")

    @classmethod
    def of(cls, faults: Sequence[Fault], row: Any) -> Self:
        """A row with all of `faults`, of which the first 100 are told, and that there are more."""
        problem = cls(*faults[0])
        if len(faults) > MAX_FAULTS:
            more = Fault("", "a row with fewer faults (mend these, and the others are told)", f"more than {MAX_FAULTS}")
            faults = (*faults[:MAX_FAULTS], more)
        problem.faults = tuple(faults)
        problem.row = row
        return problem

    def with_more(self, *others: Fault) -> Self:
        """This and what `others` say of fields about which nothing is said yet."""
        return self.of((*self.faults, *of_other_fields(others, self.faults)), self.row)


class RowParser(Generic[Raw, Row]):
    """The parser of one kind of row.

    `name`: what messages call such a row; `raw`: its fields as written; `build`: makes the row, or raises RowProblem
    with all that is wrong; `required`: columns that a table must have; `expected`: in words what each field takes, by
    its path without list positions (`availability[].market`), or a function from the value that came to these words;
    `cells`: the type of each CSV column that is not text; `keep_digits`: columns in which a number keeps every digit of
    a decimal, or is refused, because it may be a name or an amount, where elsewhere it is a measure that may be
    rounded; `dropped`: columns that are not read; `layout`: how their files are laid out.
    """

    dropped: frozenset[str] = frozenset()
    layout = Layout()

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
        self._decode = msgspec.json.Decoder(raw).decode
        self._types: dict[str, Any] = {field.encode_name: field.type for field in msgspec.structs.fields(raw)}
        self._faults = FieldFaults(name, self._types, expected)

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of all fields, as they are written."""
        return tuple(self._types)

    def check_columns(self, names: Iterable[str]) -> None:  # noqa: ARG002  # which may be any of its fields
        """FileDamage where a table with the columns `names` is not one of such rows, for more than `required`."""
        return

    def from_json(self, line: bytes) -> Row:
        """The row in one JSON object; RowProblem says all that is wrong with it."""
        try:
            return self._build(self._decode(line))
        except msgspec.ValidationError:
            pass
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self._not_plain_json(line, error) from None
        # Parse once more without types, to say which fields are wrong.
        try:
            fields = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self._not_plain_json(line, error) from None
        if not isinstance(fields, dict):
            raise RowProblem("", "a JSON object", shown(fields))
        return self._explained(fields)

    def from_fields(self, fields: dict[str, Any]) -> Row:
        """The row in a dict of plain values (text, numbers, booleans, lists, dicts); RowProblem as `from_json`."""
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
                # All that Python took and msgspec did not.
                if (half := _HALF.search(line)) is not None:
                    around = line[max(0, half.start() - 20) : half.start() + 20].rstrip(b"\r\n")
                    return RowProblem("", "Unicode text (half of a surrogate pair is none)", shown(around))
        except RowProblem as problem:
            return problem
        except (ValueError, RecursionError):
            pass
        return _not_json(line, error)

    def _explained(self, fields: dict[str, Any]) -> Row:
        """The row after all, where the only trouble was a null; else RowProblem with all of its faults.

        What a type refuses is taken out, so that `build` sees the rest.
        """
        try:
            fields = without_nulls(fields)
        except RecursionError:
            raise RowProblem("", "lists and objects within reason", "some nested too deep") from None
        unknown = self._faults.unknown(fields)
        faults: list[Fault] = []
        left = {name: self._faults.left(name, fields[name], faults) for name in self._types if name in fields}
        try:
            row = self._build(msgspec.convert(left, self._raw))
        except RowProblem as problem:
            # Of what was taken out, it can only say that it is missing.
            others = of_other_fields(problem.faults, faults)
            raise RowProblem.of((*unknown, *faults, *others), problem.row) from None
        if unknown or faults:
            raise RowProblem.of((*unknown, *faults), row)
        return row


def without_nulls(value: Any) -> Any:
    """A copy of `value` whose objects have no null, at any depth; in lists it stays, so that places are as written."""
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [without_nulls(inner) for inner in value]
    return value


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
