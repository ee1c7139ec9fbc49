"""Feeds in the form of real ones: which items are episodes, and what of each is read."""

import pytest

from embedding.importers.rss.feed import Markup, Reference, WrittenChapter
from embedding.importers.rss.feed_reader import NotAFeedError, read_feed
from embedding.importers.rss.markup import plain_text
from tests.embedding.importers.rss.written_feeds import (
    AUDIO,
    NAMESPACES,
    SHOW_GUID,
    atom,
    item,
    only_episode,
    read_item,
    rss,
)

FULL = """
<description>Short.</description>
<itunes:summary>Another.</itunes:summary>
<content:encoded><![CDATA[<p>Notes & more</p>]]></content:encoded>
<pubDate>Fri, 31 May 2024 18:00:00 +0200</pubDate>
<itunes:duration>1:02:03</itunes:duration>
<itunes:explicit>clean</itunes:explicit>
<category>Sea</category><category> Night </category><category>Sea</category>
<podcast:transcript url="https://example.com/1.srt" type="application/x-subrip; charset=utf-8" language="EN"/>
<podcast:transcript url="https://example.com/1.vtt" type="text/vtt"/>
<podcast:chapters url="https://example.com/1.json" type="application/json+chapters"/>
<psc:chapters version="1.2">
<psc:chapter start="00:00:00.000" title="Hello"/><psc:chapter start="1:30" title="Nets"/></psc:chapters>
<dc:language>fr</dc:language>
"""


def test_a_show_and_its_episode() -> None:
    feed = read_feed(rss(item("g1", "Nets", FULL)))
    assert (feed.title, feed.guid, feed.language) == ("Harbour Lights", SHOW_GUID, "en-gb")
    assert feed.categories == ("Society & Culture", "Documentary")
    assert (feed.damage, feed.num_others, feed.deleted) == (None, 0, ())
    episode = only_episode(feed)
    assert (episode.guid, episode.title, episode.enclosure) == ("g1", "Nets", "https://media.example.com/a.mp3?token=1")
    assert episode.description == Markup("<p>Notes & more</p>")
    assert (episode.published, episode.duration) == ("Fri, 31 May 2024 18:00:00 +0200", "1:02:03")
    assert (episode.explicit, episode.language) == ("clean", "fr")
    assert episode.categories == ("Sea", "Night")
    # All of them: feedparser, for one, keeps the last of several.
    assert episode.transcripts == (
        Reference("https://example.com/1.srt", "application/x-subrip", "en"),
        Reference("https://example.com/1.vtt", "text/vtt"),
    )
    assert episode.chapters_elsewhere == Reference("https://example.com/1.json", "application/json+chapters")
    assert episode.chapters == (WrittenChapter("00:00:00.000", "Hello"), WrittenChapter("1:30", "Nets"))


ALTERNATE = (
    '<podcast:alternateEnclosure type="audio/opus"><podcast:source uri="https://media.example.com/a.opus"/>'
    "</podcast:alternateEnclosure>"
)


@pytest.mark.parametrize(
    ("audio", "is_episode"),
    [
        (AUDIO, True),
        (ALTERNATE, True),
        ('<enclosure url="https://media.example.com/a"/>', True),
        ('<enclosure url="https://media.example.com/a.jpg" type="image/jpeg"/>' + AUDIO, True),
        ('<atom:link rel="enclosure" href="https://media.example.com/a.mp3" type="audio/mpeg"/>', True),
        ("", False),
        ('<enclosure url=" " type="audio/mpeg"/>', False),
        ('<enclosure url="https://media.example.com/a.jpg" type="image/jpeg"/>', False),
        ('<podcast:alternateEnclosure type="audio/opus"/>', False),
    ],
)
def test_an_episode_has_something_to_listen_to(audio: str, is_episode: bool) -> None:
    feed = read_feed(rss(item("g1", audio=audio)))
    assert (len(feed.episodes), feed.num_others) == ((1, 0) if is_episode else (0, 1))


@pytest.mark.parametrize(
    ("more", "description"),
    [
        ("<description>One</description>", Markup("One")),
        ("<description> </description><itunes:summary>Two</itunes:summary>", Markup("Two")),
        ("<itunes:subtitle>Three</itunes:subtitle>", Markup("Three")),
        ("", None),
    ],
)
def test_the_description_is_the_fullest_there_is(more: str, description: Markup | None) -> None:
    assert read_item(more).description == description


def test_html_that_nobody_escaped_is_html_all_the_same() -> None:
    description = read_item("<description>1 &lt; 2 so <b>bold</b> &amp; bare</description>").description
    assert description is not None
    assert description.is_html
    assert plain_text(description.text) == "1 < 2 so bold & bare"


def test_atom() -> None:
    entry = (
        "<entry><id>tag:example.com,2024:1</id><title>Natt</title><published>2024-05-31T18:00:00Z</published>"
        '<updated>2024-06-01T18:00:00Z</updated><category term="sea" label="Havet"/><category term="night"/>'
        '<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Ett &amp; två</p></div></content>'
        '<link rel="enclosure" href="https://media.example.com/1.mp3" type="audio/mpeg"/></entry>'
    )
    plain = entry.replace(":1</id>", ":2</id>").replace('type="xhtml"', 'type="text"')
    others = "<entry><id>x</id><title>A page</title></entry>", '<at:deleted-entry ref="tag:example.com,2024:0"/>'
    feed = read_feed(atom([entry, plain.replace("<div", "<!--").replace("</div>", "-->a &lt;b&gt;"), *others]))
    assert (feed.title, feed.language, feed.num_others) == ("Hamnljus", "sv", 1)
    assert feed.deleted == ("tag:example.com,2024:0",)
    first, second = feed.episodes
    assert (first.guid, first.title, first.published) == ("tag:example.com,2024:1", "Natt", "2024-05-31T18:00:00Z")
    assert first.categories == ("Havet", "night")
    assert first.description is not None
    assert "<p>Ett &amp; två</p>" in first.description.text
    assert second.description == Markup("a <b>", is_html=False)


@pytest.mark.parametrize(
    "namespace",
    [
        "http://www.itunes.com/DTDs/Podcast-1.0.dtd",
        "https://www.itunes.com/dtds/podcast-1.0.dtd",
    ],
)
def test_namespaces_are_known_however_they_are_written(namespace: str) -> None:
    data = rss(item("g1", more="<itunes:duration>5</itunes:duration>"))
    data = data.replace(b"http://www.itunes.com/dtds/podcast-1.0.dtd", namespace.encode())
    assert only_episode(read_feed(data)).duration == "5"
    assert only_episode(read_feed(data.replace(b"itunes:", b"it:").replace(b":itunes=", b":it="))).duration == "5"


def test_a_feed_that_ends_early_says_so_and_gives_what_came() -> None:
    whole = rss(item("g1"), item("g2", more="<description>All of it</description>"))
    for cut in (1, 20, 45, 55):
        feed = read_feed(whole[:-cut])
        assert feed.damage is not None
        # Of the last one nobody knows whether it is whole.
        assert [episode.guid for episode in feed.episodes] == ["g1"]
    broken = read_feed(whole.replace(b"All of it</desc", b"All of it</what"))
    assert [episode.guid for episode in broken.episodes] == ["g1", "g2"]
    assert broken.damage is not None


@pytest.mark.parametrize(
    ("data", "came"),
    [
        (b"", "no XML"),
        (b"<!doctype html><html><body>Not found</body></html>", "<html>"),
        (b"<rss version='2.0'/>", "without a <channel>"),
        (f"<opml {NAMESPACES}/>".encode(), "<opml>"),
        (b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>', "<RDF>"),
    ],
)
def test_what_is_no_feed_is_refused_by_what_it_is(data: bytes, came: str) -> None:
    with pytest.raises(NotAFeedError, match=r"expected a feed \(RSS 2.0 or Atom\)") as error:
        read_feed(data)
    assert came in str(error.value)
