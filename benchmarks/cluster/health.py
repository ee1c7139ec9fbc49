"""When all is well again: every copy is active on every node, and every host asks Qdrant."""

import time
from types import TracebackType
from typing import Self

import httpx

from benchmarks.cluster.asked_about import near
from benchmarks.cluster.topology import Topology

_PATIENCE_S, _ASK_S, _LOOK_EVERY_S = 60.0, 1.0, 0.1


class Health:
    """Of all that runs; as a context manager it keeps its connections, which are the clients' cores too."""

    def __init__(self, topology: Topology, seed: str) -> None:
        """`seed`: what is near it is asked of each host."""
        self._topology, self._seed = topology, seed
        # Nothing here is encrypted, and reading certificates takes longer than the question.
        self._client = httpx.Client(timeout=_ASK_S, verify=False)

    def wait(self) -> None:
        """Until all is well; TimeoutError after a minute."""
        give_up_at = time.monotonic() + _PATIENCE_S
        while not (all(map(self._all_active, self._topology.cluster.urls)) and self._all_ask()):
            if time.monotonic() > give_up_at:
                raise TimeoutError(f"the cluster was not well {_PATIENCE_S:.0f} s after its fault")
            time.sleep(_LOOK_EVERY_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def _all_active(self, url: str) -> bool:
        """Whether a node is ready, and knows every copy as active."""
        try:
            if self._client.get(f"{url}/readyz").status_code != httpx.codes.OK:
                return False
            for collection in self._client.get(f"{url}/collections").json()["result"]["collections"]:
                told = self._client.get(f"{url}/collections/{collection['name']}/cluster").json()["result"]
                if any(shard["state"] != "Active" for shard in (*told["local_shards"], *told["remote_shards"])):
                    return False
        except httpx.HTTPError:
            return False
        return True

    def _all_ask(self) -> bool:
        """Whether each host answers, and not without Qdrant."""
        answers = [near(host, self._seed) for host in self._topology.hosts]
        return all(status == httpx.codes.OK and "degraded" not in answer for status, answer in answers)
