"""Transcripts with times and chapters: what is read of each form, and the text that they make."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedding.importers.rss.chapters import NotChaptersError, chapters_in_feed, read_chapters, told
from embedding.importers.rss.feed import Reference, WrittenChapter
from embedding.importers.rss.transcripts import Cue, NotATranscriptError, preferred, read_transcript
from embedding.rows.schema import Chapter

VTT = """\ufeffWEBVTT - A show

NOTE never heard
at all

STYLE
::cue { color: red }

intro
00:01.000 --> 00:02.500 align:start
<v Ada>Nets &amp; <i>knots</i>
in the <c.loud>dark</c>

01:00:03.000 --> 01:00:04.000
<v Bo>Bye.
"""
SRT = """1
00:00:01,000 --> 00:00:02,500
{\\an8}<font color=red>Nets</font> &amp; knots

2
01:00:03,000 --> 01:00:04,000
Bye.
""".replace("\n", "\r\n")
JSON = json.dumps(
    {
        "version": "1.0.0",
        "segments": [
            {"speaker": "Ada", "startTime": 1, "endTime": 2.5, "body": "Nets &amp; knots"},
            {"startTime": 2.5, "body": " "},
            {"speaker": "Bo", "startTime": 3603.5, "body": "Bye."},
        ],
    }
)


def test_each_form_gives_the_words_with_their_times() -> None:
    assert read_transcript(VTT.encode(), "vtt") == [Cue(1, "Ada", "Nets & knots in the dark"), Cue(3603, "Bo", "Bye.")]
    assert read_transcript(SRT.encode(), "srt") == [Cue(1, "", "Nets & knots"), Cue(3603, "", "Bye.")]
    assert read_transcript(JSON.encode(), "json") == [Cue(1, "Ada", "Nets & knots"), Cue(3603.5, "Bo", "Bye.")]


@pytest.mark.parametrize("form", ["vtt", "srt", "json"])
@pytest.mark.parametrize("data", [b"", b"<html>", b"\xff\xfe", b"WEBVTT\n", b"[]", b'{"segments": []}', b"{" * 3_000])
def test_what_is_no_transcript_is_refused(form: str, data: bytes) -> None:
    with pytest.raises(NotATranscriptError, match="expected"):
        read_transcript(data, form)


@given(st.sampled_from(["vtt", "srt", "json"]), st.text(st.sampled_from('WEBVT1\n:.,->0{}[]"<v >/c\r'), max_size=60))
def test_no_text_breaks_them(form: str, text: str) -> None:
    with suppress(NotATranscriptError):
        read_transcript(("WEBVTT\n\n" if form == "vtt" else "").encode() + text.encode(), form)


def test_which_of_several_transcripts_is_read() -> None:
    srt, vtt = Reference("a.srt"), Reference("https://example.com/a?id=1", "text/vtt")
    french = Reference("fr.vtt", "text/vtt", "fr-ca")
    page = Reference("a.html", "text/html")
    assert preferred((page, srt, vtt), "en-GB") == vtt
    assert preferred((srt, french), "en") == srt
    assert preferred((srt, french), "fr") == french
    assert preferred((french, page), "en") == french
    assert preferred((page,), "en") is None
    assert preferred((), None) is None


def test_chapters_of_podlove_and_of_the_podcast_namespace() -> None:
    written = [("0", "Hello &amp; welcome"), ("01:30.500", "Nets"), ("soon", "No time"), ("5:00", " ")]
    assert chapters_in_feed(WrittenChapter(*one) for one in written) == (
        Chapter(0, "Hello & welcome"),
        Chapter(90.5, "Nets"),
    )
    listed = [
        {"startTime": 90.5, "title": "Nets", "img": "https://example.com/1.jpg"},
        {"startTime": 0, "title": "Hello"},
        {"startTime": 30, "title": "A picture", "toc": False},
        {"startTime": -1, "title": "Before"},
        {"startTime": 60},
    ]
    data = json.dumps({"version": "1.2.0", "chapters": listed}).encode()
    assert read_chapters(data) == (Chapter(0, "Hello"), Chapter(90.5, "Nets"))
    for bad in (b"", b"[]", b'{"chapters": 1}', b"\xff", b"[" * 3_000):
        with pytest.raises(NotChaptersError, match="expected JSON with chapters"):
            read_chapters(bad)


def test_a_chapter_stands_in_the_text_where_it_begins() -> None:
    cues = [Cue(0.5, "Ada", "Good evening."), Cue(2, "Ada", "Nets."), Cue(91, "Bo", "Knots."), Cue(95, "", "More.")]
    assert told(cues, ()) == "Good evening. Nets.\n\nKnots. More."
    chapters = (
        Chapter(0, "Hello"),
        Chapter(1.5, "Nets"),
        Chapter(60, "A song"),
        Chapter(90, "Knots"),
        Chapter(99, "End"),
    )
    assert told(cues, chapters) == "Hello\n\nGood evening.\n\nNets\n\nNets.\n\nKnots\n\nKnots. More."
    untimed = [cue._replace(start_s=None) for cue in cues]
    assert told(untimed, chapters) == told(cues, ())
    assert told([], chapters) == ""
