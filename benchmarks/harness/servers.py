"""A Qdrant server and a PostgreSQL of a benchmark's own, on this machine, with nothing in them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from msgspec import Struct

from tests.postgres_server import PostgresServer, postgres_server
from tests.qdrant_cluster import BINARY, running_cluster


class Servers(Struct, frozen=True):
    """Where they are, as the settings take it, and what they say of the work that they did."""

    qdrant_url: str
    state_url: str
    postgres: PostgresServer

    @property
    def settings(self) -> dict[str, str]:
        """The settings that lead a command to them."""
        return {"qdrant_url": self.qdrant_url, "state_url": self.state_url}

    @property
    def grpc_port(self) -> int:
        """Qdrant's port for gRPC, where the product looks for it too."""
        return int(self.qdrant_url.rsplit(":", 1)[1]) + 1

    def num_calls(self) -> int:
        """Calls that Qdrant has answered since its start, whatever they asked, but those that ask this."""
        told = httpx.get(f"{self.qdrant_url}/telemetry", timeout=10).raise_for_status().json()["result"]["requests"]
        answered = {**told["rest"]["responses"], **told["grpc"]["responses"]}
        return sum(
            of_status["count"]
            for endpoint, by_status in answered.items()
            for of_status in by_status.values()
            if endpoint != "GET /telemetry"
        )

    def num_transactions(self) -> int:
        """Transactions that were committed or rolled back in the state's database.

        A server process tells what it did within a second of its next one, so that one which is silent is missing.
        """
        name = self.state_url.removeprefix("postgresql://postgres@/").partition("?")[0]
        # Asked in another database, so that asking is not counted.
        sql = f"SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = '{name}'"
        return int(self.postgres.execute(sql)[0][0])


@contextmanager
def running_servers() -> Iterator[Servers]:
    """Both, ended and removed afterwards; ends the program with a sentence where there is no Qdrant to start."""
    if BINARY is None:
        sys.exit("NEARFIELD_TEST_QDRANT_BIN names no Qdrant binary: set it to the path of one")
    with running_cluster(1) as qdrant, postgres_server() as postgres:
        yield Servers(qdrant.urls[0], postgres.new_database(), postgres)
