"""What lies beside a feed for an episode: its transcript and its chapters."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar
from urllib.parse import urljoin

from embedding.importers.rss.chapters import NotChaptersError, chapters_in_feed, read_chapters
from embedding.importers.rss.feed import Feed, FeedEpisode, Reference
from embedding.importers.rss.fetching import MAX_BYTES, Fetcher, FetchError
from embedding.importers.rss.show import is_address
from embedding.importers.rss.transcripts import Cue, NotATranscriptError, form_of, preferred, read_transcript
from embedding.rows.schema import Chapter

Document = TypeVar("Document")


class Documents(NamedTuple):
    """What there is for an episode; `problems`: a line for each document that could not be had; `later`: whether one of
    them may come when it is asked for again."""

    cues: list[Cue]
    chapters: tuple[Chapter, ...]
    problems: tuple[str, ...]
    later: bool


def without_documents(episode: FeedEpisode) -> Documents:
    """What the feed itself has for an episode: chapters."""
    return Documents([], chapters_in_feed(episode.chapters), (), False)


def has_documents(episode: FeedEpisode) -> bool:
    """Whether anything is to be fetched for an episode."""
    return _chapters_elsewhere(episode) is not None or any(form_of(one) for one in episode.transcripts)


def documents_of(feed: Feed, episode: FeedEpisode, place: str, fetcher: Fetcher) -> Documents:
    """Fetch what lies beside the feed at `place` for an episode; no document that fails stops another."""
    problems: list[str] = []
    later = False

    def read(reference: Reference, reader: Callable[[bytes], Document]) -> Document | None:
        nonlocal later
        try:
            return reader(_load(reference.url, place, fetcher))
        except FetchError as error:
            problems.append(str(error))
            later = later or not error.lasting
        except (NotATranscriptError, NotChaptersError) as error:
            problems.append(f"{reference.url}: {error}")
        return None

    cues: list[Cue] = []
    transcript = preferred(episode.transcripts, episode.language or feed.language)
    if transcript is not None:
        form = form_of(transcript) or ""
        cues = read(transcript, lambda data: read_transcript(data, form)) or []
    chapters = chapters_in_feed(episode.chapters)
    elsewhere = _chapters_elsewhere(episode)
    if elsewhere is not None:
        chapters = read(elsewhere, read_chapters) or ()
    return Documents(cues, chapters, tuple(problems), later)


def _chapters_elsewhere(episode: FeedEpisode) -> Reference | None:
    """Those in the feed itself are here already."""
    return None if chapters_in_feed(episode.chapters) else episode.chapters_elsewhere


def _load(url: str, place: str, fetcher: Fetcher) -> bytes:
    """A document by its address, which may be relative to its feed's. Raises FetchError.

    Only a feed that is a file may name files, and only those in its own folder or below.
    """
    if is_address(place) or is_address(url):
        try:
            address = urljoin(place, url) if is_address(place) else url
        except ValueError as error:
            raise FetchError(f"expected an address, came {url!r} ({error})", lasting=True) from None
        answer = fetcher.fetch(address)
        if answer.state == "gone":
            raise FetchError(f"{url} is gone for good (410)", lasting=True)
        return answer.body
    folder = Path(place).parent.resolve()
    path = (folder / url).resolve()
    if not path.is_relative_to(folder):
        raise FetchError(f"expected an address or a file in the folder of {place}, came {url!r}", lasting=True)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise FetchError(f"expected at most {MAX_BYTES:,} bytes in {path}, came more", lasting=True)
        return path.read_bytes()
    except (OSError, ValueError) as error:
        # It may be copied there later.
        raise FetchError(f"expected a file at {path}, but it cannot be read ({error})") from None
