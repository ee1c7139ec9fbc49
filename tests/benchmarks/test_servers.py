"""What the servers of a benchmark say of the work that they did."""

import time

import httpx
import psycopg
from qdrant_client import QdrantClient

from benchmarks.harness.servers import running_servers
from tests.qdrant_cluster import needs_qdrant_binary

pytestmark = needs_qdrant_binary


def test_every_call_and_every_transaction_is_counted_and_asking_is_not() -> None:
    with running_servers() as servers:
        client = QdrantClient(
            url=servers.qdrant_url, grpc_port=servers.grpc_port, prefer_grpc=True, check_compatibility=False
        )
        with psycopg.connect(servers.state_url, autocommit=True) as connection:
            connection.execute("SELECT 1")
        # What a server process did is told when it ends.
        time.sleep(1)
        calls, transactions = servers.num_calls(), servers.num_transactions()

        for _ in range(3):
            client.get_collections()
        httpx.get(f"{servers.qdrant_url}/collections")
        with psycopg.connect(servers.state_url, autocommit=True) as connection:
            for _ in range(5):
                connection.execute("SELECT 1")
        time.sleep(1)

        assert servers.num_calls() - calls == 4
        assert servers.num_calls() - calls == 4
        # To connect is one too.
        assert servers.num_transactions() - transactions == 6
        client.close()
