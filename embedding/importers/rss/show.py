"""Which show a feed is of, and the ids of its episodes: the same ones wherever the feed lies."""

import hashlib
import re
import uuid
from pathlib import PurePath
from urllib.parse import urlsplit

from embedding.importers.rss.feed import Feed, FeedEpisode

# Of `podcast:guid`: https://podcasting2.org/docs/podcast-namespace/tags/guid
_FEEDS = uuid.UUID("ead4c236-bf58-58c6-a2c6-a6b28d128cb6")
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_QUERY = re.compile(r"[?#].*", re.DOTALL)
_ID_DIGITS = 32
_MAX_GUID = 100


def is_address(place: str) -> bool:
    """Whether `place` is an address of the web rather than a path."""
    return place.lower().startswith(("http://", "https://"))


def show_id(feed: Feed, place: str) -> str:
    """The feed's `podcast:guid`; else the one that the podcast namespace derives of a feed's address.

    The address is `place`, or the one that the feed says it has where `place` is a file; of a file that says none, its
    name and the show's title stand in.
    """
    if feed.guid and len(feed.guid) <= _MAX_GUID:
        return feed.guid.lower()
    address = place if is_address(place) else feed.address
    if not address:
        address = f"{PurePath(place).name}/{feed.title or ''}"
    return str(uuid.uuid5(_FEEDS, _SCHEME.sub("", address).rstrip("/")))


def episode_id(show: str, guid: str) -> str:
    """The id of an episode: 32 hexadecimal digits, since a guid may be of any length and hold anything."""
    return hashlib.sha256(f"{show}\n{guid}".encode()).hexdigest()[:_ID_DIGITS]


def guid_of(episode: FeedEpisode) -> str:
    """The guid; of an episode without one, the address of its enclosure without the query, which hosts change."""
    if episode.guid:
        return episode.guid
    try:
        return urlsplit(episode.enclosure)._replace(query="", fragment="").geturl()
    except ValueError:
        # With a bracket in its host it is no address, and still what tells the episode from others.
        return _QUERY.sub("", episode.enclosure)
