"""What is asked of a journal's log, wherever it lies."""

from collections.abc import Sequence
from typing import Protocol

from indexing.journal.records import Change, Frame


class JournalReader(Protocol):
    """Reads a log from its beginning, each frame once."""

    async def fresh(self) -> Sequence[Frame]:
        """Frames appended since the last call, oldest first.

        Raises DamagedError when a frame that was acknowledged cannot be read, StoreError when a server is silent.
        """


class JournalLog(Protocol):
    """A log that processes append to and read; what was acknowledged is never lost."""

    async def append(self, changes: Sequence[Change]) -> int:
        """Append one frame; its number. It is durable, and every reader finds it, when this returns.

        Raises NearfieldError when it could not be written; then nothing was.
        """

    async def end(self) -> int:
        """Number of the last frame, 0 where there is none."""

    def reader(self) -> JournalReader:
        """A reader of its own place, at the beginning."""
