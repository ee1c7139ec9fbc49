"""Watching the live pointer: another release is live than the one that the workers loaded."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager

from embedding.errors import NearfieldError

_log = logging.getLogger("nearfield.service")


class LiveWatch:
    """Looks every `interval_s`, in a thread of its own because a server may take its time to answer."""

    def __init__(self, opened: Callable[[], AbstractContextManager[Callable[[], str]]], interval_s: float) -> None:
        """Returns after the first look.

        `opened` gives what to look with, which answers the live release's id; it is entered, called and left in the
        watch's thread. A look may raise NearfieldError or OSError; those of the first one, and of opening, are raised
        here.
        """
        self._opened = opened
        self._interval_s = interval_s
        self._closed = threading.Event()
        first: Future[str] = Future()
        self._thread = threading.Thread(target=self._run, args=(first,), name="live-watch", daemon=True)
        self._thread.start()
        self.latest = first.result()
        """What was live at the last look that succeeded."""

    def close(self) -> None:
        """Look no more."""
        self._closed.set()
        self._thread.join()

    def _run(self, first: Future[str]) -> None:
        try:
            with self._opened() as look:
                first.set_result(look())
                self._watch(look)
        except BaseException as error:
            if first.done():
                raise
            first.set_exception(error)

    def _watch(self, look: Callable[[], str]) -> None:
        complaint: str | None = None
        while not self._closed.wait(self._interval_s):
            try:
                self.latest = look()
            except (NearfieldError, OSError) as error:
                # Said once, not ten times a second; the workers go on with what they have.
                if complaint != str(error):
                    complaint = str(error)
                    _log.warning("Cannot see which release is live: %s", error)
                continue
            if complaint is not None:
                complaint = None
                _log.info("Which release is live can be seen again")
