"""What is put under faults, all of it real processes on this machine: three Qdrant nodes that keep two copies, a
PostgreSQL server, a folder as release store, and two service hosts of two workers, which share nothing else."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.cluster.hosts import Host
from benchmarks.cluster.network import Network
from benchmarks.cluster.world import MARKET, build_and_push
from tests.indexing.state.clusters import primary_and_standby
from tests.postgres_server import PostgresServer, postgres_server
from tests.qdrant_cluster import BINARY, QdrantCluster
from tests.service.engine_plans import ask_the_engine

QUERY_TIMEOUT_S = 2.0
_NODES, _COPIES, _WORKERS = 3, 2, 2


@dataclass(frozen=True)
class Topology:
    """All that runs; `databases`: the primary, and where there is one the standby that its commits wait for."""

    hosts: list[Host]
    network: Network
    cluster: QdrantCluster
    databases: tuple[PostgresServer, ...]


@contextmanager
def running(num_items: int, lease_s: float, *, ask_engine: bool, with_standby: bool = False) -> Iterator[Topology]:
    """From nothing to two hosts that answer; all of it ends with the block.

    `ask_engine`: every query asks Qdrant, as a release of this size would not by itself.
    """
    if BINARY is None:
        sys.exit("set NEARFIELD_TEST_QDRANT_BIN to the path of a Qdrant binary")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="nearfield-cluster-")))
        network = stack.enter_context(Network(_NODES))
        cluster = stack.enter_context(QdrantCluster(Path(BINARY).resolve(), folder / "qdrant", network.places))
        cluster.start(_NODES)
        servers: tuple[PostgresServer, ...]
        if with_standby:
            servers = stack.enter_context(primary_and_standby(is_synchronous=True))
        else:
            servers = (stack.enter_context(postgres_server()),)
        (folder / "releases").mkdir()
        settings: dict[str, object] = {
            "qdrant_url": ",".join(cluster.urls),
            "qdrant_replicas": _COPIES,
            "state_url": f"postgresql://postgres@/postgres?host={','.join(str(one.folder) for one in servers)}",
            "release_store": str(folder / "releases"),
            "lease_s": lease_s,
            "query_timeout_s": QUERY_TIMEOUT_S,
            "default_market": MARKET,
            # Its loading would take the cores for a minute, and no query here has a text.
            "encoder": "no encoder",
        }
        hosts = [Host(name, folder / name, settings) for name in ("a", "b")]
        build_and_push(hosts[0].folder, num_items)
        for host in hosts[1:]:
            host.command("index", "pull", "--progress", "none")
        for host in hosts:
            if ask_engine:
                ask_the_engine(host.folder / "data")
            stack.callback(host.stop)
            host.begin_to_serve(_WORKERS)
        for host in hosts:
            host.wait()
        yield Topology(hosts, network, cluster, servers)
        for host in hosts:
            host.print_incidents()
