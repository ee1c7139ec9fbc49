"""What a feed says, as it is written: a show, and its episodes in the feed's own order."""

from msgspec import Struct


class Reference(Struct, frozen=True):
    """A document of an episode that lies elsewhere: its address as written, its media type and language in lower case,
    empty where the feed does not say."""

    url: str
    type: str = ""
    language: str = ""


class WrittenChapter(Struct, frozen=True):
    """A chapter in the feed itself: its beginning as Normal Play Time (RFC 2326, section 3.6), and its title."""

    start: str
    title: str


class Markup(Struct, frozen=True):
    """A text as the feed has it, and whether it may hold HTML."""

    text: str
    is_html: bool = True


class FeedEpisode(Struct, frozen=True, kw_only=True):
    """One episode; None and empty where the feed does not say."""

    line: int
    guid: str | None
    # Of the first of its enclosures.
    enclosure: str
    title: str | None
    description: Markup | None
    published: str | None
    duration: str | None
    explicit: str | None
    language: str | None
    categories: tuple[str, ...]
    chapters: tuple[WrittenChapter, ...]
    chapters_elsewhere: Reference | None
    transcripts: tuple[Reference, ...]


class Feed(Struct, frozen=True, kw_only=True):
    """One feed; `guid` is its `podcast:guid`, `address` where it says that it lies.

    `deleted`: guids that the host says it has deleted; `num_others`: items without anything to listen to; `damage`: why
    some of the feed may be missing, None where all of it was read.
    """

    title: str | None
    guid: str | None
    address: str | None
    moved_to: str | None
    explicit: str | None
    language: str | None
    categories: tuple[str, ...]
    episodes: tuple[FeedEpisode, ...]
    deleted: tuple[str, ...]
    num_others: int
    damage: str | None
