"""Workers and their leases for tests, by a clock that the test moves."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import psycopg
import pytest

from indexing.state.acknowledgement import Acknowledgement
from indexing.state.boot_clock import SharedClock
from indexing.state.lease import Lease, Worker
from indexing.state.postgres import PostgresState
from indexing.state.postgres_connection import StateConnection
from tests.postgres_server import PostgresServer, shared_server

T = TypeVar("T")
C = TypeVar("C", PostgresState, Lease, StateConnection)

LEASE_S = 600.0


class HandClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Database:
    """An empty database, and all that a test opens on it: closed when its `run` ends."""

    def __init__(self, server: PostgresServer | None = None) -> None:
        self.server = shared_server() if server is None else server
        self.url = self.server.new_database()
        self.name = self.url.partition("@/")[2].partition("?")[0]
        self._opened: list[PostgresState | Lease | StateConnection] = []

    def beside(self, standby: PostgresServer) -> None:
        """Find it on `standby` too, where that takes over."""
        self.url = f"postgresql://postgres@/{self.name}?host={self.server.folder},{standby.folder}"

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        """As somebody does it by hand."""
        return self.server.execute(sql, self.name)

    def one(self, sql: str) -> Any:
        """The one thing that a statement gives."""
        ((found,),) = self.execute(sql)
        return found

    def state(self, host: str = "host-1") -> PostgresState:
        """As one process opens it."""
        return self._kept(PostgresState(self.url, host))

    def lease(self, clock: Callable[[], float], who: Worker | None = None) -> Lease:
        """Not taken yet."""
        return self._kept(Lease(StateConnection(self.url), worker() if who is None else who, SharedClock(), clock))

    def acknowledgement(self, clock: Callable[[], float]) -> Acknowledgement:
        """Of a process that has seen nothing yet."""
        return Acknowledgement(self._kept(StateConnection(self.url)), clock)

    def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """What `work()` gives, within a minute."""

        async def within() -> T:
            try:
                async with asyncio.timeout(60):
                    return await work()
            finally:
                for one in self._opened:
                    await one.close()
                self._opened.clear()

        return asyncio.run(within())

    def _kept(self, one: C) -> C:
        self._opened.append(one)
        return one


def worker(name: str = "w1", host: str = "host-1", lease_s: float = LEASE_S) -> Worker:
    """Who would hold a lease."""
    return Worker(id=name, host=host, name=f"process of {name}", releases=("r1",), lease_s=lease_s)


async def hold(lease: Lease, applied: int = 0) -> None:
    """Take it as a worker does that has applied the log to `applied`."""
    lease.hold_since(await lease.take())
    assert await lease.renew(applied)


def commits_untold(patch: pytest.MonkeyPatch) -> list[str]:
    """The next transaction that ends is committed, and its connection breaks before that is told; what was broken."""
    return _untold(patch, psycopg.AsyncTransaction, "__aexit__")


def statements_untold(patch: pytest.MonkeyPatch) -> list[str]:
    """The same of the next statement that stands alone."""
    return _untold(patch, psycopg.AsyncConnection, "execute")


def _untold(patch: pytest.MonkeyPatch, owner: type[Any], name: str) -> list[str]:
    real, broken = getattr(owner, name), list[str]()

    async def commits_and_breaks(*given: Any) -> Any:
        done = await real(*given)
        if not broken:
            broken.append("untold")
            raise psycopg.OperationalError("the connection broke in the commit")
        return done

    patch.setattr(owner, name, commits_and_breaks)
    return broken
