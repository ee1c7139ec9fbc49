"""What of a row's fields their types refuse: all of it, each with its place and in words."""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec

from embedding.rows.rejects import Fault, shown

# Of one row: a list of ten thousand windows may be wrong in each of them, and is mended in one go.
MAX_FAULTS = 100

# The last one: names that somebody else chose come before it.
_AT_PATH = re.compile(r".* - at `(key` in `)?\$(.*)`$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
_UNKNOWN_FIELD = re.compile(r"unknown field `(.*?)`")


class FieldFaults:
    """The fields of one kind of row, by what they take: `types`, and `expected` in words, as for `RowParser`."""

    def __init__(
        self, name: str, types: Mapping[str, Any], expected: Mapping[str, str | Callable[[object], str]]
    ) -> None:
        """`name`: what messages call such a row."""
        self._name = name
        self._types = types
        self._expected = expected

    def unknown(self, fields: Mapping[str, Any]) -> list[Fault]:
        """Those of `fields` that such a row does not have, a fault each: 101 at most."""
        names = islice((name for name in fields if name not in self._types), MAX_FAULTS + 1)
        return [Fault(label(name), self._no_such_field(name), shown(fields[name])) for name in names]

    def left(self, name: str, value: Any, faults: list[Fault]) -> Any:
        """What field `name` can take of its `value`, which is changed; the rest is added to `faults`."""
        while len(faults) <= MAX_FAULTS:
            try:
                msgspec.convert(value, self._types[name])
            except msgspec.ValidationError as error:
                value = self._without(name, value, str(error), faults)
            else:
                return value
        return None

    def _without(self, name: str, value: Any, message: str, faults: list[Fault]) -> Any:
        """`value` of field `name` without what msgspec found in it, at the path that its `message` ends with."""
        path, general = name, name
        holder: Any = None
        at: Any = None
        inner = value
        found = _AT_PATH.fullmatch(message)
        in_key, steps = found.groups() if found else (None, "")
        for key, place in _STEP.findall(steps):
            if place == "...":
                in_key = True
                break
            holder, at = inner, int(place) if place else key
            inner = inner[at]
            path += f"[{place}]" if place else f".{key}"
            general += "[]" if place else f".{key}"
        if in_key and (bad := self._bad_entries(name, inner)):
            # msgspec does not say which entry of an object it means.
            faults += [
                Fault(path, self._words(general, inner), f"{shown(inner.pop(key))} for {shown(key)}") for key in bad
            ]
            return value
        unknown = _UNKNOWN_FIELD.search(message)
        if unknown and isinstance(inner, dict) and (key := unknown.group(1)) in inner:
            faults.append(Fault(f"{path}.{label(key)}", self._words(general, inner), shown(inner.pop(key))))
            return value
        faults.append(Fault(path, self._words(general, inner), shown(inner)))
        if holder is None:
            return None
        holder[at] = None
        return value

    def _bad_entries(self, name: str, entries: dict[str, Any]) -> list[str]:
        """The keys of those `entries` which field `name`, an object with any keys, cannot take."""
        bad = []
        for key, inner in entries.items():
            try:
                msgspec.convert({key: inner}, self._types[name])
            except msgspec.ValidationError:
                bad.append(key)
        return bad[: MAX_FAULTS + 1]

    def _no_such_field(self, name: str) -> str:
        close = difflib.get_close_matches(name.lower(), self._types, n=1)
        if close:
            return f"a field of {self._name} (did you mean {close[0]}?)"
        where = "; what has no field of its own belongs in extra" if "extra" in self._types else ""
        return f"a field of {self._name}: {', '.join(self._types)}{where}"

    def _words(self, general: str, value: object) -> str:
        words = self._expected[general]
        return words if isinstance(words, str) else words(value)


def of_other_fields(faults: Sequence[Fault], told: Sequence[Fault]) -> list[Fault]:
    """Those of `faults` that are not about a field, or a part of one, or the whole of one, of which `told` tells."""
    return [fault for fault in faults if not any(_same_place(fault.field, other.field) for other in told)]


def _same_place(one: str, other: str) -> bool:
    shorter, longer = sorted((one, other), key=len)
    return longer.startswith(shorter) and longer[len(shorter) :][:1] in ("", ".", "[")


def label(name: str) -> str:
    """A field's name as somebody else wrote it, fit for one line."""
    if not name:
        return '""'
    return shown(name)[1:-1] if len(name) <= 60 else shown(name[:60])[1:-1] + "…"
