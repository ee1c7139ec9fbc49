"""Noticing that another release or other rules are in force than those that the workers loaded."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future

from msgspec import Struct

from embedding.errors import NearfieldError

_log = logging.getLogger("nearfield.service")


class InForce(Struct, frozen=True):
    """What a worker that starts now would load: the live release's id, and the version of the accepted rules."""

    release: str
    rules: str


class LiveWatch:
    """Looks every `interval_s` in a thread of its own, because a server may take its time to answer."""

    def __init__(self, look: Callable[[], InForce], interval_s: float) -> None:
        """Returns after the first look. `look` is only called in the watch's thread, and may raise NearfieldError or
        OSError; those of the first look are raised here."""
        self._look = look
        self._interval_s = interval_s
        self._stopped = threading.Event()
        self._complaint: str | None = None
        first: Future[InForce] = Future()
        self._thread = threading.Thread(target=self._run, args=(first,), name="live-watch", daemon=True)
        self._thread.start()
        self.latest = first.result()
        """What was in force at the last look that succeeded."""

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()

    def _run(self, first: Future[InForce]) -> None:
        try:
            first.set_result(self._look())
        except BaseException as error:
            first.set_exception(error)
            return
        while not self._stopped.wait(self._interval_s):
            try:
                self.latest = self._look()
            except (NearfieldError, OSError) as error:
                # Said once, not ten times a second; the workers go on with what they have.
                if self._complaint != str(error):
                    self._complaint = str(error)
                    _log.warning("Cannot see which release and rules are in force: %s", error)
                continue
            if self._complaint is not None:
                self._complaint = None
                _log.info("What is in force can be seen again")
