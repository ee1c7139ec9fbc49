"""Services in this process whose state is in PostgreSQL, each as a host of its own."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from litestar.testing import TestClient

from indexing.state.open_places import move_from
from indexing.state.postgres import PostgresState
from service.app import create_app
from service.main import open_dependencies
from service.schemas.settings import Settings
from tests.copied_folders import copied
from tests.indexing.state.leases import Database
from tests.postgres_server import PostgresServer
from tests.service.conftest import Client

TOKEN = {"Authorization": "Bearer s3cret"}
# A machine that stands still for seconds must not end a lease that a test has no end of: those say so.
LEASE_S, ACK_WAIT_S = 600.0, 60.0
STATE_UNAVAILABLE = "urn:nearfield:problem:state-unavailable"
# How long anything is waited for that must come: long, as only a fault makes it stay away.
PATIENCE_S = 60.0
OLDER = "r20200101000000000"


class Hosts:
    """Services of one state, each on a data folder of its own."""

    def __init__(self, world: Path, folder: Path, server: PostgresServer | None = None) -> None:
        self.database = Database(server)
        self._folder = folder
        self._first = copied(world, folder / "host-a")
        (live,) = (self._first / "releases").glob("r*")
        self.live = live.name
        # The same rows under another id, so that there are two.
        copied(live, live.with_name(OLDER))
        manifest = live.with_name(OLDER) / "manifest.json"
        manifest.write_text(manifest.read_text().replace(self.live, OLDER))
        asyncio.run(move_from("files", self.settings("host-a")))

    def settings(self, host: str, **given: Any) -> Settings:
        return Settings(
            data_dir=self._folder / host,
            state_url=self.database.url,
            host_name=host,
            default_market="SE",
            admin_token="s3cret",
            pinned_releases=(OLDER,),
            **{"lease_s": LEASE_S, "ack_wait_s": ACK_WAIT_S, **given},
        )

    @contextmanager
    def serve(self, host: str, **given: Any) -> Iterator[Client]:
        if not (self._folder / host).exists():
            copied(self._first, self._folder / host)
        with TestClient(create_app(open_dependencies(self.settings(host, **given)))) as client:
            yield client

    @contextmanager
    def paused(self, host: str) -> Iterator[None]:
        """The workers of a host cannot renew their leases."""
        with psycopg.connect(self.database.url) as connection:
            connection.execute("SELECT FROM nearfield.workers WHERE host = %s FOR UPDATE", (host,))
            yield

    def state(self, work: Any) -> Any:
        """What `work(state)` gives, as a command does it."""

        async def run() -> Any:
            state = PostgresState(self.database.url, "host-c")
            try:
                return await work(state)
            finally:
                await state.close()

        return asyncio.run(run())


def similar(client: Client, seed: str = "metal-1") -> list[str]:
    answer = client.get(f"/v1/items/{seed}/similar", params={"limit": 100})
    assert answer.status_code == 200, answer.text
    return [hit["id"] for hit in answer.json()["hits"]]


def similar_by_a_short_lease(client: Client) -> list[str]:
    """As `similar`, asked again where the lease had run out, as clients are told to: this machine may stand still."""
    answers: list[Any] = []

    def is_answered() -> bool:
        answers.append(client.get("/v1/items/metal-1/similar", params={"limit": 100}))
        if answers[-1].status_code == 503:
            assert answers[-1].json()["type"] == STATE_UNAVAILABLE
            return False
        return True

    eventually(is_answered)
    assert answers[-1].status_code == 200, answers[-1].text
    return [hit["id"] for hit in answers[-1].json()["hits"]]


def take_down(client: Client, item_id: str) -> Any:
    return client.put(f"/v1/items/{item_id}/takedown", headers=TOKEN)


def refused(client: Client) -> str:
    """The detail of the problem that a query is answered with, now that none may be answered."""
    answer = client.get("/v1/items/metal-1/similar")
    assert answer.status_code == 503, answer.text
    problem = answer.json()
    assert problem["type"] == STATE_UNAVAILABLE
    assert int(answer.headers["Retry-After"]) > 0
    return str(problem["detail"])


def eventually(is_so: Any, within_s: float = PATIENCE_S) -> None:
    give_up_at = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
