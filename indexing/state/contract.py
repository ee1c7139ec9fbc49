"""What is asked of the state: all that changes while releases do not, in one transactional place.

Files in the data folder on one host (indexing/state/files.py), PostgreSQL for many (indexing/state/postgres.py).
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Literal, Protocol

from msgspec import Struct

from indexing.rules.declaration import RuleSet
from indexing.rules.reading import Fits
from indexing.state.records import Change, Frame


class Activation(Struct, frozen=True, omit_defaults=True):
    """A switch of the live release: when (RFC 3339), which way, from which release to which.

    What a newer Nearfield says besides is read past.
    """

    at: str
    action: Literal["activate", "rollback"]
    release: str
    previous: str | None
    # What its gate found and somebody went on in spite of.
    forced: tuple[str, ...] = ()
    # Who switched, and why, where that was said.
    by: str = ""
    why: str = ""
    # Whether rows were opened wider, by somebody's word.
    widened: bool = False
    # Hosts that were not waited for, by somebody's word.
    without: tuple[str, ...] = ()


class Pointer(Struct, frozen=True):
    """The live release, and the `target` that hosts load before it goes live; None where there is none."""

    live: str | None
    target: str | None = None


class LogReader(Protocol):
    """Reads the log from its beginning, each frame once."""

    async def fresh(self) -> Sequence[Frame]:
        """Frames since the last call, oldest first; where numbers are missing, later frames have replaced those.

        Raises DamagedError when a frame that was acknowledged cannot be read, StateError when a database is silent,
        StartOverError when what was read before is no longer what the log says: a new reader begins again.
        """

    def fresh_rules(self) -> tuple[str, RuleSet] | None:
        """Version and rules that were accepted since the last call of this; None where none were.

        Raises DamagedError, once, for accepted rules that cannot be read.
        """


class Log(Protocol):
    """The log of changes that processes append to and read; what was acknowledged is never lost."""

    async def append(self, changes: Sequence[Change]) -> int:
        """Append one frame; its number. It is durable, and every reader finds it, when this returns.

        Raises NearfieldError when it could not be written; then nothing was.
        """

    async def end(self) -> int:
        """Number of the last frame, 0 where there is none."""

    async def items_said(self, ids: Collection[str]) -> set[str]:
        """Those of `ids` of which the log says something: rows put or removed, takedowns, lifts."""

    def reader(self) -> LogReader:
        """A reader of its own place, at the beginning."""


class StateStore(Log, Protocol):
    """The log, the live release with its history, the accepted rules, the build lock and the cursors' key.

    Every method may raise StateError where the state cannot be reached.
    """

    async def id(self) -> str:
        """Names this state, for ever: what belongs to it (collections, pushed releases) carries it."""

    async def now(self) -> float:
        """Seconds since 1970, by the clock that all hosts of this state go by."""

    def known_now(self) -> float:
        """`now` without asking anybody: as it was told before, and what has passed since."""

    async def live(self) -> str | None:
        """The live release's id, None before the first switch."""

    async def pointer(self) -> Pointer:
        """What is live, and what is to be."""

    async def prepare(self, release: str, wait_s: float, without: Collection[str] = ()) -> list[str]:
        """Have all hosts that serve load `release`, but those in `without`; hosts that have not after `wait_s`.

        Then, and where this is not followed by a switch, `withdraw` ends it.
        """

    async def withdraw(self) -> None:
        """No release is to be loaded any more but the live one."""

    async def serving(self, data_dir: Path) -> None:
        """This host's supervisor begins to serve; UsageError where another host is called the same."""

    async def served(self) -> None:
        """This host serves no more; what it keeps stays."""

    async def report(self, loaded: str | None, gone: Sequence[str]) -> bool:
        """This host's supervisor says what its workers are ready for, and which of them are over.

        Whether the host had been forgotten meanwhile: then it should say again what it keeps.
        """

    async def keep(self, kept: Mapping[str, int], *, stored: bool = False) -> None:
        """This host says which releases' files it keeps, each with the number of the log at which it was built; or,
        `stored`, which ones the release store keeps.

        What no release that anybody keeps can need goes from the log.
        """

    async def kept_elsewhere(self, *, stored: bool = True) -> set[str]:
        """Releases that other hosts keep, and the release store where `stored`, as far as it was said: what lies
        outside of hosts is theirs too."""

    async def begins(self) -> int:
        """The number up to which the log has been cut: a release built before shows too little of it."""

    async def switch(self, activation: Activation) -> None:
        """Make `activation.release` the live one and keep the activation, both or neither."""

    async def activations(self) -> list[Activation]:
        """All switches, oldest first; DamagedError when they cannot be read."""

    async def rules(self) -> tuple[str, RuleSet]:
        """Version and rules in force; the packaged default where none was ever accepted. Raises DamagedError."""

    async def rules_data(self) -> bytes | None:
        """The bytes of the accepted rules as they came; None where none were ever accepted. Raises DamagedError."""

    async def accept(self, data: bytes, source: str, fits: Fits, by: str = "") -> str:
        """Put the rules in `data` in force, named `source` in errors; their version.

        RulesError, and all stays as it was, when they are bad or do not fit.
        """

    def build_lock(self) -> AbstractAsyncContextManager[None]:
        """Held while a release is built; BuildLockedError names who holds it already."""

    async def build_holder(self) -> str | None:
        """Who holds the build lock now, None where nobody does."""

    async def cursor_key(self) -> bytes:
        """The key that cursors are signed with, the same for all workers and hosts; made when there is none."""

    async def unacknowledged(self, number: int, wait_s: float) -> list[str]:
        """Workers that may still answer without frame `number`, after waiting up to `wait_s` seconds for all; for a
        person. Empty: it holds everywhere."""

    async def close(self) -> None:
        """Let go of connections."""
