"""Hits as JSON: a row's template is made once and kept, so that a page decodes no payload."""

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import get_args

import msgspec
from msgspec import Struct

from indexing.journal.current_rows import CurrentRows
from indexing.payload.payload import Payload
from service.schemas.answers import Explanation, Hit, Passage, Space, hit_of
from service.schemas.row_fields import RowField, field_values

# Some 300 bytes each; for as many rows as a large catalogue has in use at a time.
_SLOTS = 1 << 17
_EMPTY = -1
_encoder = msgspec.json.Encoder()
_NONE: Mapping[int, Explanation] = {}
_SCORE = b'"score":0.0'
# float32 has no more digits; after them stands the space, where there is one.
_SCORE_FORMAT = b'"score":%.6f%b'
_SPACES: dict[Space | None, bytes] = {space: b',"space":' + _encoder.encode(space) for space in get_args(Space)}
_SPACES[None] = b""


class NamedFields(Struct, frozen=True):
    """The fields that a request names, and the space by which a row was scored, for its `vector`."""

    fields: Sequence[RowField]
    space_of: Callable[[Payload], str]


class ShownRows:
    """Hits of one release's rows, each kept in the slot that its number falls in until another row takes it."""

    def __init__(self, rows: CurrentRows) -> None:
        self._current = rows
        self._mask = _SLOTS - 1
        self._rows = array("q", [_EMPTY]) * _SLOTS
        self._templates: list[bytes] = [b""] * _SLOTS

    def hits(
        self,
        rows: Sequence[int],
        scores: Iterable[float],
        spaces: Iterable[Space | None],
        sources: Mapping[int, str],
        explained: Mapping[int, Explanation] = _NONE,
        passages: Mapping[int, Passage] | None = None,
        named: NamedFields | None = None,
    ) -> msgspec.Raw:
        """The JSON array of the Hits of these rows with their scores, and the spaces, sources, explanations and
        passages of those that have one; with the `named` fields in place of those that come by themselves."""
        is_plain = not (sources or explained or passages)
        templates = self._kept(rows) if named is None else (self._named(row, named) for row in rows)
        parts = []
        for row, score, space, template in zip(rows, scores, spaces, templates, strict=True):
            part = template % (score, _SPACES[space])
            if is_plain:
                parts.append(part)
                continue
            if row in sources:
                part = part[:-1] + b',"source":' + _encoder.encode(sources[row]) + b"}"
            if explained:
                part = part[:-1] + b',"explain":' + _encoder.encode(explained[row]) + b"}"
            if passages and row in passages:
                part = part[:-1] + b',"passage":' + _encoder.encode(passages[row]) + b"}"
            parts.append(part)
        return msgspec.Raw(b"[%b]" % b",".join(parts))

    def _kept(self, rows: Iterable[int]) -> Iterable[bytes]:
        slots, templates, mask = self._rows, self._templates, self._mask
        kept = []
        for row in rows:
            slot = row & mask
            if slots[slot] != row:
                templates[slot] = template_of(hit_of(self._current.payload(row), 0.0))
                slots[slot] = row
            kept.append(templates[slot])
        return kept

    def _named(self, row: int, named: NamedFields) -> bytes:
        current = self._current
        payload = current.payload(row)

        def vector() -> list[float]:
            values: list[float] = current.vectors(named.space_of(payload), [row])[0].tolist()
            return values

        values = field_values(payload, named.fields, current.release.classes.windows_of, vector)
        return template_of(Hit(payload.id, 0.0, **values))


def template_of(hit: Hit) -> bytes:
    """The JSON of a hit of score 0, to be formatted with its score and its space by `%`."""
    encoded = _encoder.encode(hit)
    # Only the id comes before the score, and cannot hold these bytes: its quotes would be escaped.
    return encoded.replace(b"%", b"%%").replace(_SCORE, _SCORE_FORMAT, 1)
