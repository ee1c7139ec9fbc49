"""Chapters of an episode, from the feed itself or from a document beside it, and where they stand in its text."""

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from embedding.importers.rss.feed import WrittenChapter
from embedding.importers.rss.markup import one_line
from embedding.importers.rss.transcripts import Cue
from embedding.importers.rss.values import seconds_of
from embedding.rows.schema import Chapter

# As the type of a row has them.
_MAX_CHAPTERS, _MAX_TITLE, _MAX_START_S = 1_000, 2_000, 1e7


class NotChaptersError(Exception):
    """A document that holds no chapters: what was expected, and what came."""


class _Listed(Struct):
    startTime: float | None = None
    title: str | None = None
    # Left out: yes. A chapter that is not in the table of contents only changes the picture.
    toc: bool | None = None


class _Document(Struct):
    chapters: list[_Listed]


def chapters_in_feed(written: Iterable[WrittenChapter]) -> tuple[Chapter, ...]:
    """Podlove's simple chapters; those without a time or a title are left out."""
    return _in_order((seconds_of(one.start), one.title) for one in written)


def read_chapters(data: bytes) -> tuple[Chapter, ...]:
    """The chapters in a document of `podcast:chapters`. Raises NotChaptersError."""
    try:
        read = msgspec.json.decode(data, type=_Document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotChaptersError(f"expected JSON with chapters, came another document ({error})") from None
    return _in_order((one.startTime, one.title or "") for one in read.chapters if one.toc is not False)


def told(cues: Sequence[Cue], chapters: Sequence[Chapter]) -> str:
    """The text of a transcript: a paragraph for each turn of a speaker, and each chapter under its title.

    The title is a line of its own, before the first cue that begins in the chapter: there the text is cut
    (embedding/text/passages.py). Chapters in which nothing begins are left out, as are all where cues have no times.
    """
    paragraphs: list[list[str]] = []
    waiting = list(reversed(chapters))
    speaker = ""
    for cue in cues:
        begun: Chapter | None = None
        while waiting and cue.start_s is not None and waiting[-1].start_s <= cue.start_s:
            begun = waiting.pop()
        if begun is not None:
            paragraphs.append([begun.title])
        if begun is not None or not paragraphs or (cue.speaker and cue.speaker != speaker):
            paragraphs.append([])
        speaker = cue.speaker or speaker
        paragraphs[-1].append(cue.text)
    return "\n\n".join(" ".join(paragraph) for paragraph in paragraphs)


def _in_order(found: Iterable[tuple[float | None, str]]) -> tuple[Chapter, ...]:
    chapters = [
        Chapter(float(start_s), title)
        for start_s, written in found
        if start_s is not None and 0 <= start_s <= _MAX_START_S and (title := one_line(written)[:_MAX_TITLE].strip())
    ]
    return tuple(sorted(chapters, key=lambda chapter: chapter.start_s)[:_MAX_CHAPTERS])
