"""What is remembered of feeds between two imports, beside the catalogue: how to ask whether they are as they were."""

import time
from pathlib import Path

import msgspec
from msgspec import Struct

from embedding.errors import RejectedInputError
from embedding.importers.import_job import CATALOGUE
from embedding.importers.rss.fetching import Validators

# Readers of rows pass over a name that begins so.
STATE = "_feeds.json"
# Another number where feeds become other rows than before: then all are read anew.
_READING = 1
# A file that was changed so short a time before it was read may have been changed once more in the same tick.
_TICK_NS = 2 * 10**9


class KnownFeed(Struct, omit_defaults=True):
    """One feed: the show that its episodes' ids are of, its `podcast:guid`, and what its bytes were.

    `moved_to`: the addresses to which it was said to have moved, by its host or by itself.

    `documents`: by the id of an episode with transcript or chapters, a hash of all that its row was made of.
    """

    show: str
    guid: str | None = None
    validators: Validators = Validators()
    sha256: str | None = None
    size: int | None = None
    mtime_ns: int | None = None
    documents: dict[str, str] = {}
    moved_to: tuple[str, ...] = ()


class FeedState(Struct):
    """All feeds of a folder, by the place where each was read; `items` rows in `catalogue_bytes` are the catalogue."""

    reading: int = _READING
    items: int = 0
    catalogue_bytes: int = 0
    feeds: dict[str, KnownFeed] = {}

    def shows_by_guid(self) -> dict[str, str]:
        """The show that each `podcast:guid` was known as."""
        return {feed.guid: feed.show for feed in reversed(self.feeds.values()) if feed.guid is not None}

    def shows_by_move(self) -> dict[str, str]:
        """The show of the feed that was said to have moved to each address."""
        return {address: feed.show for feed in reversed(self.feeds.values()) for address in feed.moved_to if feed.show}


def load_state(folder: Path) -> FeedState:
    """The state in `folder`: its shows alone where the catalogue is not the one of then, so that all is read anew.

    Raises RejectedInputError where the catalogue there is of another origin, or the state cannot be read.
    """
    path, catalogue = folder / STATE, folder / CATALOGUE
    if not path.exists():
        if catalogue.exists():
            raise RejectedInputError(
                f"expected a folder for feeds, but {catalogue} was not made of any ({STATE} is not beside it);"
                " choose another folder"
            )
        return FeedState()
    try:
        state = msgspec.json.decode(path.read_bytes(), type=FeedState)
    except msgspec.DecodeError as error:
        raise RejectedInputError(
            f"expected the state of feeds in {path}, came another file ({error}); without {catalogue} and this file all"
            " feeds are read anew, and what has left them is lost"
        ) from None
    if state.reading == _READING and catalogue.exists() and catalogue.stat().st_size == state.catalogue_bytes:
        return state
    known = {
        place: KnownFeed(show=feed.show, guid=feed.guid, moved_to=feed.moved_to) for place, feed in state.feeds.items()
    }
    return FeedState(feeds=known)


def same_file(path: Path, known: KnownFeed) -> bool:
    """Whether a file is the one that was read, by size and time."""
    found = path.stat()
    return (found.st_size, found.st_mtime_ns) == (known.size, known.mtime_ns)


def note_file(path: Path, known: KnownFeed) -> None:
    """Note size and time of a file that is about to be read, where these will tell it from a later one."""
    found = path.stat()
    if time.time_ns() - found.st_mtime_ns > _TICK_NS:
        known.size, known.mtime_ns = found.st_size, found.st_mtime_ns
