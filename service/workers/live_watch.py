"""Watching what is live, and what is to go live next, beside the workers; and telling the state of this host.

In a thread of its own, because a database may take its time to answer.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager

from msgspec import Struct

from embedding.errors import NearfieldError

_log = logging.getLogger("nearfield.service")


class Seen(Struct, frozen=True):
    """The live release, and the one that workers should hold: another one before a switch of many hosts.

    `together`: whether a worker that holds both can answer from either; else it answers once the wanted one is live.
    """

    live: str
    wanted: str
    together: bool = True


class Told(Struct, frozen=True):
    """What the state is to know of this host: workers that are over, and what has `loaded` (None: nothing)."""

    gone: tuple[str, ...] = ()
    loaded: str | None = None


Look = Callable[[Told], Seen]


class LiveWatch:
    """Looks every `interval_s`, and tells what there is to tell."""

    def __init__(self, opened: Callable[[], AbstractContextManager[Look]], interval_s: float) -> None:
        """Returns after the first look.

        `opened` gives what to look with; it is entered, called and left in the watch's thread. A look may raise
        NearfieldError or OSError; those of the first one, and of opening, are raised here.
        """
        self._opened = opened
        self._interval_s = interval_s
        self._closed = threading.Event()
        self._gone: deque[str] = deque()
        self._loaded: str | None = None
        first: Future[Seen] = Future()
        self._thread = threading.Thread(target=self._run, args=(first,), name="live-watch", daemon=True)
        self._thread.start()
        self.latest = first.result()
        """What was found at the last look that succeeded."""

    def gone(self, worker: str) -> None:
        """A worker's process is over: nobody needs to wait for its lease."""
        self._gone.append(worker)

    def loaded(self, release: str | None) -> None:
        """All workers hold this release, and are ready for it to be live; None when they do not any more."""
        self._loaded = release

    def close(self) -> None:
        """Look no more; what is still to be told is told."""
        self._closed.set()
        self._thread.join()

    def _run(self, first: Future[Seen]) -> None:
        try:
            with self._opened() as look:
                first.set_result(look(Told()))
                self._watch(look)
        except BaseException as error:
            if first.done():
                raise
            first.set_exception(error)

    def _watch(self, look: Look) -> None:
        complaint: str | None = None
        closing = False
        while not closing:
            closing = self._closed.wait(self._interval_s)
            if closing and not self._gone:
                return
            gone = tuple(self._gone)
            try:
                self.latest = look(Told(gone, self._loaded))
            except (NearfieldError, OSError) as error:
                # Said once, not ten times a second; the workers go on with what they have.
                if complaint != str(error):
                    complaint = str(error)
                    _log.warning("Cannot see which release is live: %s", error)
                continue
            self._forget(gone)
            if complaint is not None:
                complaint = None
                _log.info("Which release is live can be seen again")

    def _forget(self, told: Sequence[str]) -> None:
        for _ in told:
            self._gone.popleft()
