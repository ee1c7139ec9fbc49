"""Validation messages: the field, what was expected and what came, out of msgspec's errors."""

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from service.schemas.problems import FieldError, ProblemError, invalid_fields

_MESSAGE = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>\$.*)`)?$", re.DOTALL)
_UNKNOWN_FIELD = re.compile(r"^Object contains unknown field `(?P<name>.*)`$", re.DOTALL)
_MISSING_FIELD = re.compile(r"^Object missing required field `(?P<name>.*)`$")
_EXPECTED = re.compile(r"^Expected (?P<expected>.*?)(?:, got (?P<got>.*))?$", re.DOTALL)
_STEP = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<index>\d+|\.\.\.)\]")
_SHOWN_CHARACTERS = 80
_PATTERN = "matching regex"
_PLAINER = {"Number out of range": "a number between -1.8e308 and 1.8e308"}

_FLOAT_CAME = "got `float`"
# From here on a float stands for more than one integer.
_MOST_EXACT = 2.0**53
_UNTOLD = object()

Step = str | int | None
M = TypeVar("M")


def decoded(body: bytes, decoder: msgspec.json.Decoder[M], model: type[Any]) -> M:
    """`body` as the `model` that `decoder` reads; the problem of `body_problem` where it cannot be."""
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if _FLOAT_CAME not in str(error):
            raise body_problem(error, body, model) from error
    try:
        return decoder.decode(msgspec.json.encode(_with_integers(msgspec.json.decode(body))))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise body_problem(error, body, model) from error


def _with_integers(value: Any) -> Any:
    """The same with 10 for 10.0: to JSON Schema, and so to clients that go by it, both are the integer."""
    match value:
        case dict():
            return {key: _with_integers(part) for key, part in value.items()}
        case list():
            return [_with_integers(part) for part in value]
        case float() if value.is_integer() and abs(value) < _MOST_EXACT:
            return int(value)
        case _:
            return value


def body_problem(error: Exception, body: bytes, model: type[Any]) -> ProblemError:
    """The problem for a body that `model` could not be decoded from."""
    if isinstance(error, msgspec.ValidationError):
        return invalid_fields((_field_error(str(error), body, model),))
    return ProblemError("malformed-json", f"Expected one JSON object in UTF-8. {error}.")


def converted(values: dict[str, Any], model: type[M], *, context_field: str) -> M:
    """`values` of query parameters as the Struct that a body would be, under the same limits.

    Raises a 400 problem in which the fields below `context_field` bear the parameters' own names.
    """
    try:
        return msgspec.convert(values, model)
    except msgspec.ValidationError as error:
        found = _field_error(str(error), msgspec.json.encode(values), model)
        named = found.field.removeprefix(context_field)
        raise invalid_fields((FieldError(named, found.expected, found.came),)) from error


def unknown_name(name: str, known: Sequence[str], field: str) -> FieldError:
    """The error for a field or parameter that there is not, with the nearest ones that there are."""
    near = get_close_matches(name, known, n=3, cutoff=0.6)
    hint = f" (did you mean {' or '.join(near)}?)" if near else ""
    expected = f"one of {', '.join(sorted(known))}{hint}" if known else "no parameter: this address takes none"
    return FieldError(shorten(field), expected, shown(name))


def explain(message: str) -> tuple[str, list[Step]]:
    """What was expected and the path to it, from a message of msgspec."""
    found = _MESSAGE.match(message)
    what, path = (found["what"], found["path"]) if found else (message, None)
    expected = _EXPECTED.match(what)
    told = expected["expected"] if expected else _PLAINER.get(what, what[:1].lower() + what[1:])
    return told.replace("`", ""), list(_steps(path or "$"))


def shown(value: object) -> str:
    """What came, as JSON in one line."""
    return shorten(msgspec.json.encode(value).decode())


def shorten(text: str) -> str:
    """`text` cut to what fits in one line of a message."""
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def _field_error(message: str, body: bytes, model: type[Any]) -> FieldError:
    expected, steps = explain(message)
    described = _type_at(inspect.type_info(model), steps)
    info = None if described is None else _bare(described)
    what = message.split(" - at `")[0]
    if unknown := _UNKNOWN_FIELD.match(what):
        known = [field.encode_name for field in info.fields] if isinstance(info, inspect.StructType) else []
        return unknown_name(unknown["name"], known, _name([*steps, unknown["name"]]))
    if missing := _MISSING_FIELD.match(what):
        return FieldError(_name([*steps, missing["name"]]), "a value: this field is required")
    if what.startswith("Invalid enum value") and isinstance(info, inspect.LiteralType):
        expected = f"one of {', '.join(repr(value) for value in info.values)}"
    elif _PATTERN in what and isinstance(described, inspect.Metadata):
        # A regular expression tells a person little; each pattern has words beside it.
        if steps[-1] is None:
            steps[-1] = _place_at_fault(_value_at(body, steps[:-1]), info)
        # What is told where it depends on what came, beside the pattern in the type.
        told = (described.extra or {}).get("expected")
        expected = (
            (described.extra_json_schema or {}).get("description", expected)
            if told is None
            else told(_value_at(body, steps))
        )
    return FieldError(_name(steps), expected, _shown_at(body, steps, too_long="length <=" in expected))


def _steps(path: str) -> Iterator[Step]:
    """The steps of a path such as `$.seeds[0].id`; None where msgspec does not say which element."""
    for step in _STEP.finditer(path):
        if step["name"] is not None:
            yield step["name"]
        else:
            yield None if step["index"] == "..." else int(step["index"])


def _name(steps: Sequence[Step]) -> str:
    """`seeds[0].id` for the steps to it; `body` for the whole."""
    text = "".join(f".{step}" if isinstance(step, str) else f"[{'' if step is None else step}]" for step in steps)
    return shorten(text.removeprefix(".")) or "body"


def _type_at(info: inspect.Type, steps: Sequence[Step]) -> inspect.Type | None:
    """The type that `steps` lead to, with what is said about it; None where it cannot be told."""
    for step in steps:
        inner = _bare(info)
        if isinstance(inner, inspect.StructType) and isinstance(step, str):
            field = next((field for field in inner.fields if field.encode_name == step), None)
            if field is None:
                return None
            info = field.type
        elif isinstance(inner, inspect.VarTupleType):
            info = inner.item_type
        else:
            return None
    return info


def _bare(info: inspect.Type) -> inspect.Type:
    if isinstance(info, inspect.Metadata):
        return _bare(info.type)
    if isinstance(info, inspect.UnionType):
        return _bare(next(part for part in info.types if not isinstance(part, inspect.NoneType)))
    return info


def _place_at_fault(values: Any, info: inspect.Type | None) -> int | None:
    """Which of `values` does not match the pattern that all must match; None where it cannot be told."""
    if not isinstance(values, list) or not isinstance(info, inspect.StrType) or info.pattern is None:
        return None
    matches = re.compile(info.pattern).search
    return next((place for place, value in enumerate(values) if isinstance(value, str) and not matches(value)), None)


def _shown_at(body: bytes, steps: Sequence[Step], *, too_long: bool) -> str | None:
    """The value that came, as JSON, or the length of a list that is too long; None where it cannot be told."""
    value = _value_at(body, steps)
    if value is _UNTOLD:
        return None
    return f"one of {len(value):,}" if too_long and isinstance(value, list) else shown(value)


def _value_at(body: bytes, steps: Sequence[Step]) -> Any:
    """The value that came; `_UNTOLD` where it cannot be told."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # What comes after the first error may be malformed as well; that error is the one to tell.
        return _UNTOLD
    for step in steps:
        if isinstance(step, str) and isinstance(value, dict):
            value = value.get(step)
        elif isinstance(step, int) and isinstance(value, list) and step < len(value):
            value = value[step]
        else:
            return _UNTOLD
    return value
