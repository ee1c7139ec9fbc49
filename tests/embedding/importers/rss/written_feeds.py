"""Feeds as hosts write them, of invented shows."""

from collections.abc import Iterable
from html import escape

from embedding.importers.rss.feed import Feed, FeedEpisode
from embedding.importers.rss.feed_reader import read_feed

NAMESPACES = (
    'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:podcast="https://podcastindex.org/namespace/1.0"'
    ' xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:psc="http://podlove.org/simple-chapters"'
    ' xmlns:atom="http://www.w3.org/2005/Atom" xmlns:at="http://purl.org/atompub/tombstones/1.0"'
    ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
)
SHOW_GUID = "917393e3-1b1e-5cef-ace4-edaa54e1f810"
SHOW = (
    f"<title>Harbour Lights</title><language>en-gb</language><podcast:guid>{SHOW_GUID}</podcast:guid>"
    '<itunes:category text="Society &amp; Culture"><itunes:category text="Documentary"/></itunes:category>'
)
AUDIO = '<enclosure url="https://media.example.com/a.mp3?token=1" type="audio/mpeg" length="1"/>'


def item(guid: str, title: str = "An evening", more: str = "", audio: str = AUDIO) -> str:
    """One item of RSS; `more` is XML."""
    return f'<item><guid isPermaLink="false">{escape(guid)}</guid><title>{escape(title)}</title>{audio}{more}</item>'


def rss(*items: str, show: str = SHOW) -> bytes:
    """A feed of RSS 2.0."""
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" {NAMESPACES}><channel>{show}\n'
    return (head + "\n".join(items) + "</channel></rss>").encode()


def atom(entries: Iterable[str]) -> bytes:
    """A feed of Atom."""
    head = f'<feed xmlns="http://www.w3.org/2005/Atom" {NAMESPACES} xml:lang="sv"><title>Hamnljus</title>'
    return (head + "\n".join(entries) + "</feed>").encode()


def only_episode(feed: Feed) -> FeedEpisode:
    (episode,) = feed.episodes
    return episode


def read_item(more: str) -> FeedEpisode:
    """The one episode of a feed, with `more` in its item."""
    return only_episode(read_feed(rss(item("g1", more=more))))
