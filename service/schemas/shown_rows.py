"""Hits as JSON: a row's template is made once and kept, so that a page decodes no payload."""

from array import array
from collections.abc import Iterable, Mapping

import msgspec

from indexing.journal.current_rows import CurrentRows
from indexing.payload.payload import Payload
from service.schemas.answers import Explanation, Passage, hit_of

# Some 300 bytes each; for as many rows as a large catalogue has in use at a time.
_SLOTS = 1 << 17
_EMPTY = -1
_encoder = msgspec.json.Encoder()
_NONE: Mapping[int, Explanation] = {}
_SCORE = b'"score":0.0,'
# float32 has no more digits.
_SCORE_FORMAT = b'"score":%.6f,'


class ShownRows:
    """Hits of one release's rows, each kept in the slot that its number falls in until another row takes it."""

    def __init__(self, rows: CurrentRows) -> None:
        self._current = rows
        self._mask = _SLOTS - 1
        self._rows = array("q", [_EMPTY]) * _SLOTS
        self._templates: list[bytes] = [b""] * _SLOTS

    def hits(
        self,
        rows: Iterable[int],
        scores: Iterable[float],
        sources: Mapping[int, str],
        explained: Mapping[int, Explanation] = _NONE,
        passages: Mapping[int, Passage] | None = None,
    ) -> msgspec.Raw:
        """The JSON array of the Hits of these rows with their scores, and the sources, explanations and passages of
        those that have one."""
        slots, templates, mask = self._rows, self._templates, self._mask
        is_plain = not (sources or explained or passages)
        parts = []
        for row, score in zip(rows, scores, strict=True):
            slot = row & mask
            if slots[slot] != row:
                templates[slot] = self._template(row)
                slots[slot] = row
            part = templates[slot] % score
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

    def _template(self, row: int) -> bytes:
        return template_of(self._current.payload(row))


def template_of(payload: Payload) -> bytes:
    """The JSON of a payload's Hit, to be formatted with its score by `%`."""
    encoded = _encoder.encode(hit_of(payload, 0.0))
    # Only the id comes before the score, and cannot hold these bytes: its quotes would be escaped.
    return encoded.replace(b"%", b"%%").replace(_SCORE, _SCORE_FORMAT, 1)
