"""Transcripts with times (WebVTT, SubRip, and the JSON of the podcast namespace), read into cues."""

import re
from io import StringIO
from typing import NamedTuple

import msgspec
import webvtt
from msgspec import Struct
from webvtt.errors import MalformedCaptionError, MalformedFileError

from embedding.importers.rss.feed import Reference
from embedding.importers.rss.markup import one_line

# Media types and endings of names, the form that says most first.
_FORMS = {
    "vtt": ("text/vtt", ".vtt"),
    "json": ("application/json", ".json"),
    "srt": ("application/srt", "application/x-subrip", "text/srt", ".srt"),
}
# Tags that webvtt-py leaves in SubRip, which has no rule for them.
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|\{\\[^{}]*\}")


class Cue(NamedTuple):
    """A piece of a transcript: from when on it is spoken (None: not told), by whom (empty: not told), and what."""

    start_s: float | None
    speaker: str
    text: str


class NotATranscriptError(Exception):
    """A document that is no transcript of its form: what was expected, and what came."""


class _Segment(Struct):
    body: str = ""
    startTime: float | None = None
    speaker: str | None = None


class _Segments(Struct):
    segments: list[_Segment]


def form_of(reference: Reference) -> str | None:
    """`vtt`, `json` or `srt` by media type, else by the ending of the address; None for a form that is not read."""
    path = reference.url.partition("?")[0].partition("#")[0].lower()
    return next(
        (form for form, (*types, _) in _FORMS.items() if reference.type in types),
        next((form for form, names in _FORMS.items() if path.endswith(names[-1])), None),
    )


def preferred(transcripts: tuple[Reference, ...], language: str | None) -> Reference | None:
    """The one to be read: in the episode's language where there is one, then by form; None where none can be."""
    spoken = (language or "").partition("-")[0].partition("_")[0].lower()
    order = list(_FORMS)

    def rank(reference: Reference) -> tuple[bool, int]:
        other = bool(reference.language and spoken) and reference.language.partition("-")[0] != spoken
        return other, order.index(form_of(reference) or "")

    return min((one for one in transcripts if form_of(one)), key=rank, default=None)


def read_transcript(data: bytes, form: str) -> list[Cue]:
    """The cues in order, none without text. Raises NotATranscriptError; one that holds no cue at all is none either."""
    try:
        text = data.decode("utf-8-sig").replace("\x00", "\ufffd")
    except UnicodeDecodeError as error:
        raise NotATranscriptError(f"expected UTF-8 text, came byte 0x{data[error.start]:02x}") from None
    cues = _segments(text) if form == "json" else _captions(text, form)
    found = [cue for cue in cues if cue.text]
    if not found:
        raise NotATranscriptError(f"expected a transcript ({form}), came one without any text")
    return found


def _segments(text: str) -> list[Cue]:
    try:
        read = msgspec.json.decode(text, type=_Segments)
    except (msgspec.DecodeError, RecursionError) as error:
        raise NotATranscriptError(f"expected a JSON transcript with segments, came another ({error})") from None
    return [Cue(one.startTime, one_line(one.speaker or ""), one_line(one.body)) for one in read.segments]


def _captions(text: str, form: str) -> list[Cue]:
    try:
        captions = webvtt.from_buffer(StringIO(text), form)
    except (MalformedFileError, MalformedCaptionError) as error:
        raise NotATranscriptError(f"expected a transcript ({form}), came another ({error})") from None
    return [
        Cue(one.start_in_seconds, one_line(one.voice or ""), one_line(_TAG.sub("", one.text)))
        for one in captions.captions
    ]
