"""A worker that keeps up by a lease, with stand-ins for the releases that it holds."""

import asyncio
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, cast

from embedding.errors import NearfieldError
from indexing.errors import StateError
from indexing.rules.declaration import RuleSet
from indexing.state.postgres import PostgresState
from indexing.state.records import Frame, Lifted, TakenDown
from service.changes.leased_follower import LeasedFollower
from service.loaded.loaded_release import LoadedRelease
from tests.indexing.state.leases import LEASE_S, Database, worker


class Rows:
    """Of a release, as far as takedowns go."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.taken_down: set[str] = set()

    def apply(self, frame: Frame) -> None:
        self.numbers.append(frame.seq)
        for change in frame.changes:
            if isinstance(change, TakenDown):
                self.taken_down.add(change.id)
            if isinstance(change, Lifted):
                self.taken_down.discard(change.id)


class Loaded:
    """A release that is held, built when the log had reached `journal_seq`."""

    def __init__(self, release_id: str, journal_seq: int = 0) -> None:
        self.rows = Rows()
        manifest = SimpleNamespace(id=release_id, journal_seq=journal_seq)
        self.release = SimpleNamespace(id=release_id, manifest=manifest)

    def afresh(self) -> "Loaded":
        return Loaded(self.release.id, self.release.manifest.journal_seq)


class Holding:
    """Two releases, and what a worker was told to do with them."""

    def __init__(self) -> None:
        self.releases = {"r1": Loaded("r1"), "r2": Loaded("r2")}
        self.live: list[str] = []
        self.rules: list[str] = []
        self.troubles: list[str] = []

    @property
    def loaded(self) -> Mapping[str, LoadedRelease]:
        return cast("Mapping[str, LoadedRelease]", self.releases)

    @property
    def live_release(self) -> LoadedRelease:
        return self.loaded["r2"]

    def let_go(self, release_id: str) -> None:
        del self.releases[release_id]

    def obey(self, fresh_rules: Callable[[], tuple[str, RuleSet] | None]) -> None:
        try:
            fresh = fresh_rules()
        except NearfieldError as error:
            self.troubles.append(str(error))
            return
        if fresh is not None:
            self.rules.append(fresh[0])

    def replace(self, loaded: Mapping[str, Any]) -> None:
        self.releases = dict(loaded)

    def go_live(self, release: str) -> None:
        self.live.append(release)

    def take_up_plans(self) -> None:
        return

    @property
    def hidden(self) -> set[str]:
        """What both releases hide; they never differ."""
        first, second = (one.rows for one in self.releases.values())
        assert first.taken_down == second.taken_down
        assert first.numbers == second.numbers
        return first.taken_down


class Following:
    """A follower in the background, as a service runs it."""

    def __init__(
        self, database: Database, clock: Callable[[], float], name: str = "w1", lease_s: float = LEASE_S
    ) -> None:
        self.held = Holding()
        self.follower = LeasedFollower(self.held, database.lease(clock, worker(name, lease_s=lease_s)))

    async def __aenter__(self) -> "Following":
        await self.follower.begin()
        self._task = asyncio.create_task(self.follower.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def asked(self) -> set[str]:
        """What a query finds hidden; StateError where it is not answered."""
        await self.follower.arrive()
        hidden = self.held.hidden
        if not self.follower.may_answer:
            raise StateError("ran out")
        return set(hidden)


async def until(is_so: Callable[[], bool], within_s: float = 45.0) -> None:
    async with asyncio.timeout(within_s):
        while not is_so():
            await asyncio.sleep(0.01)


async def everywhere(state: PostgresState, number: int) -> None:
    async with asyncio.timeout(45):
        while await state.unacknowledged(number, 1.0):
            pass
