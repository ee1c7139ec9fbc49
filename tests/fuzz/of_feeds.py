"""Readers of feeds and of what lies beside them: RSS, Atom, OPML, transcripts, chapters, descriptions."""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
from hypothesis import strategies as st

from embedding.errors import NearfieldError
from embedding.importers.rss.chapters import NotChaptersError, read_chapters, told
from embedding.importers.rss.documents import documents_of
from embedding.importers.rss.episode_rows import episode_item
from embedding.importers.rss.feed_reader import NotAFeedError, read_feed
from embedding.importers.rss.fetching import NOTHING_KNOWN, Fetched, Fetcher, FetchError, Validators
from embedding.importers.rss.markup import one_line, plain_text
from embedding.importers.rss.show import show_id
from embedding.importers.rss.sources import feed_places
from embedding.importers.rss.transcripts import NotATranscriptError, read_transcript
from embedding.rows.catalogue_parser import CATALOGUE_PARSER
from embedding.rows.row_files import item_fields
from embedding.rows.row_parser import RowProblem
from tests.embedding.importers.rss.test_transcripts import JSON, SRT, VTT
from tests.embedding.importers.rss.written_feeds import AUDIO, atom, item, rss
from tests.fuzz.counting import items_of_rss
from tests.fuzz.drawn import edited, json_files, numbers, pieces_of, plain, words
from tests.fuzz.reader import FuzzReader, expect

_BESIDE = {"1.vtt": VTT, "1.srt": SRT, "1.json": JSON}
_MORE = (
    "<description>&lt;p&gt;Nets &amp;amp; knots&lt;/p&gt;</description>"
    "<pubDate>Fri, 31 May 2024 18:00:00 +0200</pubDate>"
    "<itunes:duration>1:02:03</itunes:duration><itunes:explicit>clean</itunes:explicit>"
    '<podcast:transcript url="1.vtt" type="text/vtt" language="en"/>'
    '<podcast:chapters url="1.json" type="application/json"/>'
    '<psc:chapters><psc:chapter start="00:01:30.5" title="Nets"/></psc:chapters>'
    "<content:encoded><![CDATA[<h1>At sea</h1> AT&T &eacute;]]></content:encoded>"
)
_RSS = rss(item("g1", more=_MORE), item("", "Second", audio=""), item("g3", audio=AUDIO.replace("https", "file")))
_ATOM = atom(
    [
        '<entry><id>tag:1</id><title type="html">En &amp;lt;kväll</title><link rel="enclosure" href="https://e.example/a.mp3"/>'
        '<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">Nät</div></content>'
        "<published>2024-05-31T18:00:00Z</published></entry>"
    ]
)
_OPML = (
    b'<opml version="2.0"><body><outline text="a"><outline type="rss" xmlUrl="a.xml"/></outline>'
    b'<outline xmlurl="https://e.example/feed"/></body></opml>'
)
_CHAPTERS = json.dumps({"version": "1.2.0", "chapters": [{"startTime": 1.5, "title": "Nets &amp; knots", "toc": True}]})
_HTML = (
    b"<p>Nets &amp; <b>knots</b><br>AT&T<!-- x --><script>1<2</script></p><ul><li>&#233;&#x1F600;</li></ul> 1 < 2\r\n"
)
_segments = st.fixed_dictionaries(
    {
        "segments": st.lists(
            st.dictionaries(st.sampled_from(("startTime", "body", "speaker")), plain, max_size=3), max_size=4
        )
    }
)
_listed = st.fixed_dictionaries(
    {
        "chapters": st.lists(
            st.dictionaries(st.sampled_from(("startTime", "title", "toc")), plain, max_size=3), max_size=4
        )
    }
)


class _NoNetwork(Fetcher):
    """Says that nothing comes: what an input names must not be asked."""

    def __init__(self) -> None:
        """Without a client, which costs more than all else that is done to an input."""

    def __exit__(self, *_: object) -> None:
        """There is nothing to close."""

    def fetch(self, address: str, known: Validators = NOTHING_KNOWN) -> Fetched:  # noqa: ARG002
        raise FetchError(f"{address}: not asked")


def _feed(data: bytes, folder: Path) -> None:
    """Every episode becomes a row that reads back as it is, or a reject; each item is an episode or told."""
    for name, text in _BESIDE.items():
        (folder / name).write_text(text, encoding="utf-8")
    place = str(folder / "feed.xml")
    feed = read_feed(data)
    num_items = items_of_rss(data) if feed.damage is None else None
    found = len(feed.episodes) + feed.num_others
    expect(num_items in (None, found), f"{num_items} items went in, {found} came out")
    show, odd = show_id(feed, place), Counter[str]()
    with _NoNetwork() as fetcher:
        for episode in feed.episodes:
            documents_of(feed, episode, "https://e.example/feed.xml", fetcher)
            beside = documents_of(feed, episode, place, fetcher)
            with suppress(RowProblem):
                row = episode_item(feed, episode, show, beside.cues, beside.chapters, odd)
                again = CATALOGUE_PARSER.from_json(msgspec.json.encode(item_fields(row)))
                expect(again == row, f"a row does not read back: {row}")


def _opml(data: bytes, folder: Path) -> None:
    path = folder / "shows.opml"
    path.write_bytes(data)
    with _NoNetwork() as fetcher:
        expect(bool(feed_places([str(path)], fetcher)), "an OPML without feeds, and no error")


def _transcript(form: str) -> Callable[[bytes, Path], None]:
    def read(data: bytes, _folder: Path) -> None:
        cues = read_transcript(data, form)
        chapters = read_chapters(_CHAPTERS.encode())
        text = told(cues, chapters)
        expect(all(cue.text in text for cue in cues), "a cue that is not in the text")

    return read


def _chapters(data: bytes, _folder: Path) -> None:
    chapters = read_chapters(data)
    fields = {"id": "a", "kind": "episode", "title": "T", "creator": "C"}
    listed = [{"start_s": chapter.start_s, "title": chapter.title} for chapter in chapters]
    # Whatever they are, a row can have them.
    expect(
        CATALOGUE_PARSER.from_fields({**fields, "chapters": listed}).chapters == chapters, "other chapters in the row"
    )


def _markup(data: bytes, _folder: Path) -> None:
    text = data.decode("utf-8", "replace")
    plain_text(text)
    expect("\n" not in one_line(text), "a title of two lines")


def _captions(head: str, arrow: str) -> st.SearchStrategy[bytes]:
    moment = st.from_regex(r"[0-9]{1,2}:[0-9]{2}:[0-9]{2}[.,][0-9]{3}|[0-9:.,]{0,9}", fullmatch=True)
    cue = st.tuples(words, moment, moment, words | st.just("<v Ada>Nets &amp; <i>knots")).map(
        lambda cue: f"{cue[0]}\n{cue[1]}{arrow}{cue[2]}\n{cue[3]}\n\n"
    )
    return st.lists(cue, max_size=4).map(lambda cues: (head + "".join(cues)).encode("utf-8", "surrogatepass"))


_XML = pieces_of(_RSS.decode(), _ATOM.decode())
_TRANSCRIPT_ERRORS = (NotATranscriptError,)
READERS = (
    FuzzReader("rss", _feed, lambda: [_RSS], edited([_RSS], _XML), (NotAFeedError,)),
    FuzzReader("atom", _feed, lambda: [_ATOM], edited([_ATOM], _XML), (NotAFeedError,)),
    FuzzReader("opml", _opml, lambda: [_OPML], edited([_OPML], pieces_of(_OPML.decode())), (NearfieldError,)),
    FuzzReader("vtt", _transcript("vtt"), lambda: [VTT.encode()], _captions("WEBVTT\n\n", " --> "), _TRANSCRIPT_ERRORS),
    FuzzReader("srt", _transcript("srt"), lambda: [SRT.encode()], _captions("", " --> "), _TRANSCRIPT_ERRORS),
    FuzzReader(
        "transcript json",
        _transcript("json"),
        lambda: [JSON.encode()],
        _segments.map(lambda value: json.dumps(value).encode()),
        _TRANSCRIPT_ERRORS,
    ),
    FuzzReader(
        "chapters",
        _chapters,
        lambda: [_CHAPTERS.encode()],
        _listed.map(lambda value: json.dumps(value).encode()) | json_files(numbers),
        (NotChaptersError,),
    ),
    FuzzReader("html", _markup, lambda: [_HTML], edited([_HTML], pieces_of(_HTML.decode())), ()),
)
