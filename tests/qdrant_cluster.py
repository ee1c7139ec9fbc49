"""Qdrant servers as processes on loopback, for tests that kill, stop and restart them.

The binary is the tester's own: NEARFIELD_TEST_QDRANT_BIN names it, and without that these tests are skipped.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, NamedTuple, Self

import httpx
import pytest

from tests.free_ports import free_port

BINARY = os.environ.get("NEARFIELD_TEST_QDRANT_BIN")

needs_qdrant_binary = pytest.mark.skipif(BINARY is None, reason="NEARFIELD_TEST_QDRANT_BIN names no Qdrant binary")

# A node of an empty cluster is ready within 2 s; beside a suite that takes every core it is slower.
_READY_S = 60.0
_PAUSE_S = 0.05
_ASK_S = 2.0
_LOG_TAIL = 2_000


class Place(NamedTuple):
    """Where a node runs: the address on which it listens, and the command by which it is started there."""

    address: str = "127.0.0.1"
    enter: tuple[str, ...] = ()


class QdrantCluster:
    """Nodes 0 to n-1, each with a folder below `folder`; use it as a context manager, which ends them all.

    One node is a server of its own; several are a cluster that node 0 founds. A node keeps its ports (REST, gRPC one
    above it, the cluster's own one above that), its folder and so its peer id over `kill` and `restart`.
    """

    def __init__(self, binary: Path, folder: Path, places: Sequence[Place] = ()) -> None:
        """`places`: one for each node; left out, all are on loopback."""
        self._binary, self._folder, self._places = binary, folder, places
        self._ports: list[int] = []
        self._nodes: list[subprocess.Popen[bytes]] = []
        self._peer_ids: list[int] = []
        self._stopped: set[int] = set()

    @property
    def urls(self) -> list[str]:
        """The REST address of each node, as `qdrant_url` takes it."""
        return [self._url(node, 0) for node in range(len(self._ports))]

    def start(self, num_nodes: int) -> None:
        """Start the nodes, and return when each is ready and knows all others; AssertionError with a node's log."""
        assert not self._nodes, "this cluster was started already"
        # Each node takes three in a row.
        self._ports = [free_port(following=2) for _ in range(num_nodes)]
        for node in range(num_nodes):
            self._nodes.append(self._spawn(node))
            # The next one asks the first to be let in.
            self._wait_until_ready(node)
        if num_nodes > 1:
            for node in range(num_nodes):
                self._wait(node, partial(self._knows_all, node))
            self._peer_ids = [int(self.cluster_status(node)["peer_id"]) for node in range(num_nodes)]

    def kill(self, node: int) -> None:
        """End a node as a power cut would (SIGKILL), and wait until it is gone."""
        self._nodes[node].kill()
        self._nodes[node].wait()
        self._stopped.discard(node)

    def stop(self, node: int) -> None:
        """Let a node hang (SIGSTOP): its sockets stay open and nothing answers."""
        self._nodes[node].send_signal(signal.SIGSTOP)
        self._stopped.add(node)

    def cont(self, node: int) -> None:
        """Let a stopped node go on (SIGCONT)."""
        self._nodes[node].send_signal(signal.SIGCONT)
        self._stopped.discard(node)

    def restart(self, node: int, *, wait: bool = True) -> None:
        """Start a killed node again over what it had on disk; `wait` until it says that it is ready.

        A node is not ready before it has caught up with the others: without most of them it never is.
        """
        assert self._nodes[node].poll() is not None, f"node {node} is running: kill it first"
        self._nodes[node] = self._spawn(node)
        if wait:
            self._wait_until_ready(node)

    def is_running(self, node: int) -> bool:
        """Whether the node was neither killed nor stopped."""
        return self._nodes[node].poll() is None and node not in self._stopped

    def cluster_status(self, node: int) -> dict[str, Any]:
        """What a node says of the cluster (`GET /cluster`); httpx.HTTPError when it does not answer."""
        answer = httpx.get(f"{self.urls[node]}/cluster", timeout=_ASK_S)
        status: dict[str, Any] = answer.raise_for_status().json()["result"]
        return status

    def peer_id(self, node: int) -> int:
        """The id by which the nodes of a cluster know this one."""
        return self._peer_ids[node]

    def node_of(self, peer_id: int) -> int:
        """The node of a peer id."""
        return self._peer_ids.index(peer_id)

    def leader(self) -> int:
        """The node that leads Raft, as the first running node knows it; waits while there is none."""
        first = next(node for node in range(len(self._nodes)) if self.is_running(node))
        self._wait(first, lambda: self.cluster_status(first)["raft_info"]["leader"] is not None)
        return self.node_of(int(self.cluster_status(first)["raft_info"]["leader"]))

    def log(self, node: int) -> str:
        """All that a node has written to its log, over restarts too."""
        return (self._folder_of(node) / "log").read_text(errors="replace")

    def close(self) -> None:
        """End all nodes, stopped ones too."""
        for process in self._nodes:
            process.kill()
        for process in self._nodes:
            process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _knows_all(self, node: int) -> bool:
        return len(self.cluster_status(node)["peers"]) == len(self._ports)

    def _folder_of(self, node: int) -> Path:
        return self._folder / f"node-{node}"

    def _place(self, node: int) -> Place:
        return self._places[node] if self._places else Place()

    def _url(self, node: int, port_above: int) -> str:
        return f"http://{self._place(node).address}:{self._ports[node] + port_above}"

    def _spawn(self, node: int) -> subprocess.Popen[bytes]:
        folder, port, place = self._folder_of(node), self._ports[node], self._place(node)
        folder.mkdir(parents=True, exist_ok=True)
        command = [*place.enter, str(self._binary), "--disable-telemetry"]
        if len(self._ports) > 1:
            command += ["--uri", self._url(node, 2)]
            if node > 0:
                command += ["--bootstrap", self._url(0, 2)]
        settings = {
            "QDRANT__SERVICE__HOST": place.address,
            "QDRANT__SERVICE__HTTP_PORT": str(port),
            "QDRANT__SERVICE__GRPC_PORT": str(port + 1),
            "QDRANT__CLUSTER__ENABLED": str(len(self._ports) > 1).lower(),
            "QDRANT__CLUSTER__P2P__PORT": str(port + 2),
            "QDRANT__STORAGE__STORAGE_PATH": str(folder / "storage"),
            "QDRANT__STORAGE__SNAPSHOTS_PATH": str(folder / "snapshots"),
        }
        with (folder / "log").open("ab") as log:
            return subprocess.Popen(
                command, cwd=folder, env=os.environ | settings, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _wait_until_ready(self, node: int) -> None:
        self._wait(node, lambda: httpx.get(f"{self.urls[node]}/readyz", timeout=_ASK_S).status_code == 200)

    def _wait(self, node: int, is_so: Callable[[], bool]) -> None:
        give_up_at = time.monotonic() + _READY_S
        while True:
            try:
                if is_so():
                    return
            except httpx.HTTPError:
                pass
            code = self._nodes[node].poll()
            if code is not None or time.monotonic() > give_up_at:
                state = "ended with code " + str(code) if code is not None else f"was not ready after {_READY_S:.0f} s"
                raise AssertionError(f"Qdrant node {node} {state}; its log ends:\n{self.log(node)[-_LOG_TAIL:]}")
            time.sleep(_PAUSE_S)


@contextmanager
def running_cluster(num_nodes: int) -> Iterator[QdrantCluster]:
    """A cluster of `num_nodes` of the tester's binary in a folder of its own, ended and removed afterwards."""
    assert BINARY is not None, "mark the test with needs_qdrant_binary"
    with (
        TemporaryDirectory(prefix="nearfield-qdrant-") as folder,
        QdrantCluster(Path(BINARY).resolve(), Path(folder)) as cluster,
    ):
        cluster.start(num_nodes)
        yield cluster
