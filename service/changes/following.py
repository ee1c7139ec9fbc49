"""How a worker keeps up with what changes: by looking before each answer, or by a lease.

What the log says is applied to every release that is held, rules that were accepted are obeyed.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from embedding.errors import DamagedError, NearfieldError
from indexing.errors import StateError
from indexing.rules.declaration import RuleSet
from indexing.state.contract import LogReader, StateStore
from indexing.state.records import Frame
from service.loaded.loaded_release import LoadedRelease

_log = logging.getLogger("nearfield.service")

# A worker that is asked nothing takes changes in all the same, so that the next request does not pay for many.
_FOLLOW_EVERY_S = 0.25


class Held(Protocol):
    """The releases that a worker holds, and the rules that it goes by (service/queries/release_router.py)."""

    @property
    def loaded(self) -> Mapping[str, LoadedRelease]:
        """All of them, by id."""

    @property
    def live_release(self) -> LoadedRelease:
        """The one that answers where a request names none."""

    def let_go(self, release_id: str) -> None:
        """Hold a release no longer; never the live one."""

    def obey(self, fresh_rules: Callable[[], tuple[str, RuleSet] | None]) -> None:
        """Go by rules that were accepted since the last call, where any were."""

    def replace(self, loaded: Mapping[str, LoadedRelease]) -> None:
        """Answer from these from now on."""

    def go_live(self, release: str) -> None:
        """Answer from this release where a request names none, if it is held."""

    def take_up_plans(self) -> None:
        """Go by what the doctor measured since the last call."""


class Following(Protocol):
    """One worker's way to keep up."""

    @property
    def may_answer(self) -> bool:
        """Whether this worker may give an answer to the request of this task: asked when the answer is ready."""

    async def begin(self) -> None:
        """Apply all that there is, before the first answer; NearfieldError when that cannot be."""

    async def arrive(self) -> None:
        """Of every request, before it is answered; NearfieldError where the state cannot be read."""

    async def live(self) -> str | None:
        """The release that is live by what is known here; NearfieldError where that cannot be read."""

    async def run(self) -> None:
        """In the background, until it is cancelled."""

    async def close(self) -> None:
        """Nobody needs to wait for this worker any more."""


def apply(frames: Sequence[Frame], loaded: Mapping[str, LoadedRelease]) -> None:
    """Take frames in, oldest first, in each of these releases."""
    for one in loaded.values():
        for frame in frames:
            one.rows.apply(frame)


async def start_over(held: Held, reader: LogReader) -> Sequence[Frame]:
    """Read all of it into fresh rows, and answer from those; the frames."""
    frames = await reader.fresh()
    fresh = {release_id: loaded.afresh() for release_id, loaded in held.loaded.items()}
    apply(frames, fresh)
    held.replace(fresh)
    return frames


class LookingFollower:
    """Where the state is files: two `stat`s before each answer."""

    may_answer = True

    def __init__(self, held: Held, state: StateStore) -> None:
        self._held = held
        self._state = state
        # None where what it has read is not what is applied: then all is read anew.
        self._reader: LogReader | None = state.reader()

    async def begin(self) -> None:
        await self.arrive()

    async def arrive(self) -> None:
        try:
            await self._look()
        except DamagedError as error:
            # Every request meets with it until the files are mended: `run` tells it once, and clients are told here.
            raise StateError(str(error)) from error

    async def _look(self) -> None:
        if self._reader is None:
            reader = self._state.reader()
            self._held.obey(reader.fresh_rules)
            await start_over(self._held, reader)
            self._reader = reader
            return
        reader = self._reader
        self._held.obey(reader.fresh_rules)
        frames = await reader.fresh()
        if frames:
            self._reader = None
            apply(frames, self._held.loaded)
            self._reader = reader

    async def live(self) -> str | None:
        return await self._state.live()

    async def run(self) -> None:
        told: str | None = None
        while True:
            await asyncio.sleep(_FOLLOW_EVERY_S)
            try:
                await self.arrive()
                self._held.take_up_plans()
                told = None
            except NearfieldError as error:
                # Every request fails with it and is logged; here once is enough.
                if str(error) != told:
                    told = str(error)
                    _log.error("cannot follow the log: %s", error)

    async def close(self) -> None:
        return
