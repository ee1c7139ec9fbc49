"""Keeping up by a lease: what is new is told and applied in the background, and a query asks nobody.

Takes the lease, reads to the end, then answers; the same after the lease ran out, was lost, or the database's timeline
is a new one (docs/decisions/2026-11-29-leases.md).
"""

import asyncio
import logging
import os
from collections.abc import Sequence
from contextvars import ContextVar

from embedding.errors import MismatchError, NearfieldError
from indexing.errors import StartOverError, StateError
from indexing.releases.releases import Releases
from indexing.settings import IndexingSettings
from indexing.state.contract import StateStore
from indexing.state.lease import Lease, Worker
from indexing.state.open import open_database
from indexing.state.postgres import PostgresState
from indexing.state.postgres_log import PostgresReader
from indexing.state.records import Frame, WentLive
from service.changes.following import Held, apply, start_over

_log = logging.getLogger("nearfield.service")

# In which term of the lease the request of this task came.
_asked_in: ContextVar[int] = ContextVar("asked_in", default=0)
# Behind what is told: a look that finds nothing.
_LOOK_EVERY_S = 1.0
# After a failure, doubled each time.
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 1.0


def leased_follower(
    settings: IndexingSettings, state: StateStore, worker: str, releases: tuple[str, ...], held: Held
) -> "LeasedFollower":
    """By a lease that is named `worker`, of a process that answers from `releases`; it tells `state` the time."""
    assert isinstance(state, PostgresState), "there are no leases on files"
    who = Worker(
        id=worker,
        host=state.host,
        name=f"process {os.getpid()}",
        releases=releases,
        lease_s=settings.lease_s,
    )
    # A connection of its own, on which it listens.
    return LeasedFollower(held, Lease(open_database(settings).connection, who, state.clock))


class LeasedFollower:
    """As Following, by one lease."""

    def __init__(self, held: Held, lease: Lease) -> None:
        self._held = held
        self._lease = lease
        # None where what it has read is not what is applied: then all is read anew.
        self._reader: PostgresReader | None = lease.reader()
        self._live: str | None = None
        # How often a lease was taken.
        self._term = 0

    @property
    def may_answer(self) -> bool:
        # Taken anew meanwhile, the lease says nothing of what this request has read before.
        return self._lease.valid and _asked_in.get() == self._term

    async def begin(self) -> None:
        sent_at = await self._lease.take()
        try:
            if self._reader is None:
                await self._start_over()
            else:
                await self._apply(self._reader)
        except StartOverError as error:
            _log.warning("the log is read from its beginning: %s", error)
            await self._start_over()
        self._term += 1
        self._lease.hold_since(sent_at)
        await self._renew()

    async def arrive(self) -> None:
        _asked_in.set(self._term)
        if not self._lease.valid:
            raise StateError(
                "this worker's lease has run out: it has not heard for too long from the state's database, and may "
                "have missed a takedown"
            )

    async def live(self) -> str | None:
        return self._live

    async def run(self) -> None:
        told: str | None = None
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                await self._lease.heard(_LOOK_EVERY_S)
                await self._keep_up()
                self._held.take_up_plans()
                if told is not None:
                    _log.info("the state's database answers again")
                told, pause_s = None, _FIRST_PAUSE_S
            except Exception as error:
                # Whatever it is: ended without a word, this worker would answer nothing once its lease has run out.
                if told is None:
                    told = str(error)
                    _log.error(
                        "cannot keep up with the state, and answer until the lease runs out: %s",
                        *(error,),
                        exc_info=not isinstance(error, NearfieldError),
                    )
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def close(self) -> None:
        await self._lease.give_back()
        await self._lease.close()

    async def _keep_up(self) -> None:
        if self._reader is None or not self._lease.valid:
            await self.begin()
            return
        before = self._reader.number
        try:
            await self._apply(self._reader)
        except StartOverError:
            await self.begin()
            return
        if self._reader.number != before or self._lease.is_due:
            await self._renew()

    async def _renew(self) -> None:
        assert self._reader is not None
        if not await self._lease.renew(self._reader.number):
            _log.warning("the lease was lost, and is taken anew: somebody has removed or changed it in the database")
            await self.begin()

    async def _apply(self, reader: PostgresReader) -> None:
        is_first = reader.number == 0
        frames = await reader.fresh()
        # The reader has passed frames that are not applied yet: should that fail, none may be told as applied.
        self._reader = None
        if is_first:
            await self._check_reach(reader)
        apply(frames, self._held.loaded)
        self._reader = reader
        self._see(frames)
        # After the rows: rules that were accepted later may need what they brought.
        self._held.obey(reader.fresh_rules)

    async def _start_over(self) -> None:
        reader = self._lease.reader()
        frames = await start_over(self._held, reader)
        await self._check_reach(reader)
        self._held.obey(reader.fresh_rules)
        self._see(frames)
        self._reader = reader

    async def _check_reach(self, reader: PostgresReader) -> None:
        """Of a log that was read from its beginning: a host that was forgotten may hold releases that it was cut
        behind, and what was removed since would be shown again. MismatchError where the live one is such a release."""
        for release_id, loaded in list(self._held.loaded.items()):
            try:
                Releases.check_reach(loaded.release.manifest, reader.begins, reader.number)
            except MismatchError as error:
                if release_id == self._held.live_release.release.id:
                    # It answers nothing, until its supervisor has another release or an end for it.
                    await self._lease.give_back()
                    raise
                _log.error("release %s is not held any more: %s", release_id, error)
                self._held.let_go(release_id)

    def _see(self, frames: Sequence[Frame]) -> None:
        for frame in frames:
            for change in frame.changes:
                if isinstance(change, WentLive):
                    self._live = change.release
                    self._held.go_live(change.release)
