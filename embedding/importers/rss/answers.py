"""Feeds as they are now, in the order in which they were named: asked ahead, a few at a time."""

import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from copy import copy
from pathlib import Path

from embedding.importers.rss.feed_state import KnownFeed, note_file, same_file
from embedding.importers.rss.fetching import NOTHING_KNOWN, Fetched, Fetcher, FetchError
from embedding.importers.rss.show import is_address

# Requests at once; as many answers again may wait.
REQUESTS = 4


class Answer:
    """What came for one feed: `fetched`, or the `error` that stood in its way; `known` is what to remember of it."""

    def __init__(self, place: str, known: KnownFeed, fetched: Fetched | None, error: str = "") -> None:
        self.place, self.known, self.fetched, self.error = place, known, fetched, error


def answers(
    places: Sequence[str],
    known: dict[str, KnownFeed],
    fetcher: Fetcher,
    pool: ThreadPoolExecutor,
    *,
    conditional: bool,
) -> Iterator[Answer]:
    """The answer for each place; without `conditional` all feeds are read, whether they have changed or not."""
    waiting: deque[Future[Answer]] = deque()
    for place in places:
        of_before = known.get(place)
        if is_address(place):
            waiting.append(pool.submit(_ask, place, of_before, fetcher, conditional))
        else:
            done: Future[Answer] = Future()
            # Nothing is won by reading files ahead.
            while waiting:
                yield waiting.popleft().result()
            done.set_result(_read(place, of_before, conditional))
            waiting.append(done)
        if len(waiting) >= 2 * REQUESTS:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _ask(place: str, of_before: KnownFeed | None, fetcher: Fetcher, conditional: bool) -> Answer:
    now = _copied(of_before)
    try:
        fetched = fetcher.fetch(place, now.validators if conditional else NOTHING_KNOWN)
    except FetchError as error:
        return Answer(place, now, None, str(error))
    if fetched.state == "new":
        now.validators = fetched.validators
        fetched = _compared(fetched, now, conditional)
    return Answer(place, now, fetched)


def _read(place: str, of_before: KnownFeed | None, conditional: bool) -> Answer:
    now, path = _copied(of_before), Path(place)
    try:
        if conditional and of_before is not None and same_file(path, of_before):
            return Answer(place, now, Fetched("unchanged"))
        now.size = now.mtime_ns = None
        note_file(path, now)
        return Answer(place, now, _compared(Fetched("new", path.read_bytes()), now, conditional))
    except OSError as error:
        return Answer(place, now, None, f"expected a feed at {place}, but it cannot be read ({error.strerror})")


def _copied(known: KnownFeed | None) -> KnownFeed:
    """What was known, to be changed; of a feed that was not known, its show is found when it has been read."""
    if known is None:
        return KnownFeed(show="")
    return copy(known)


def _compared(fetched: Fetched, now: KnownFeed, conditional: bool) -> Fetched:
    """The same, but unchanged where the bytes are those of before, whatever the host says of them."""
    before, now.sha256 = now.sha256, hashlib.sha256(fetched.body).hexdigest()
    return Fetched("unchanged", moved_to=fetched.moved_to) if conditional and before == now.sha256 else fetched
