"""The index of a release's names: made in a thread of its own when it is first asked for, once for all who ask."""

import asyncio
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future

from indexing.release.release import Release
from service.loaded.name_index import NameIndex
from service.loaded.name_words import name_words
from service.schemas.problems import ProblemError

_log = logging.getLogger("nearfield.service")

# A few hundred thousand titles are done within it; who asks of more comes again.
_WAIT_S, _RETRY_S = 5.0, 2
# After so many names the thread rests for as long as they took it, so that it holds no answer up for longer.
_AT_ONCE = 512


class LazyIndex:
    """Of one loaded release."""

    def __init__(self) -> None:
        self._index: NameIndex | None = None
        self._made: Future[NameIndex] | None = None

    async def of(self, release: Release) -> NameIndex:
        """The titles of the rows, by row, then the creators, by number.

        A 503 problem where it takes longer than a request should wait. What fails is told to who waits for it, and
        tried again for the next one.
        """
        if self._index is not None:
            return self._index
        if self._made is None:
            self._made = Future()
            # A daemon, so that a worker that is asked to stop does not wait for it.
            threading.Thread(target=_make, args=(release, self._made), name="index-names", daemon=True).start()
        made = self._made
        await asyncio.wait([asyncio.wrap_future(made)], timeout=_WAIT_S)
        if not made.done():
            raise ProblemError(
                "suggestions-loading",
                f"The names of release {release.id} are still being read. Try again.",
                headers={"Retry-After": str(_RETRY_S)},
            )
        try:
            self._index = made.result()
        finally:
            if self._made is made:
                self._made = None
        return self._index


def _make(release: Release, made: "Future[NameIndex]") -> None:
    began = time.monotonic()
    try:
        index = NameIndex.of(_names(release))
    except BaseException as error:
        made.set_exception(error)
        return
    _log.info("the names of release %s can be suggested, after %.1f s", release.id, time.monotonic() - began)
    made.set_result(index)


def _names(release: Release) -> Iterator[Sequence[str]]:
    began = time.monotonic()
    for row in range(len(release.columns)):
        yield name_words(release.columns.names(row).title)
        if not row % _AT_ONCE:
            time.sleep(min(0.01, time.monotonic() - began))
            began = time.monotonic()
    for number in range(len(release.creators.whole)):
        yield name_words(release.creators.whole.value(number))
