"""Clients that ask while something is done to the service, and what became of their requests."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


class Load:
    """What the clients saw; every request that did not get a 200 is in `failures`."""

    def __init__(self, port: int, path: str, body: bytes | None = None) -> None:
        self._port = port
        self._path = path
        self._body = body
        self._stopped = threading.Event()
        self.seconds: list[float] = []
        self.answers: list[bytes] = []
        self.failures: list[str] = []

    @property
    def num_requests(self) -> int:
        """Requests that were answered."""
        return len(self.seconds)

    def percentile_ms(self, share: float) -> float:
        """Latency that `share` per cent of the answered requests stayed within."""
        return float(np.percentile(self.seconds, share)) * 1000

    @contextmanager
    def running(self, num_kept: int, num_fresh: int, think_s: float = 0.0) -> Iterator["Load"]:
        """Threads that ask until the block ends: `num_kept` keep their connection, `num_fresh` open one each time."""
        threads = [
            threading.Thread(target=self._ask, args=(kind < num_kept, think_s)) for kind in range(num_kept + num_fresh)
        ]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stopped.set()
            for thread in threads:
                thread.join()

    def _ask(self, keep: bool, think_s: float) -> None:
        connection = self._connection()
        while not self._stopped.is_set():
            began = time.perf_counter()
            try:
                if self._body is None:
                    connection.request("GET", self._path)
                else:
                    connection.request("POST", self._path, self._body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                content = answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(f"{'kept' if keep else 'fresh'} connection: {error!r}")
                connection.close()
                connection = self._connection()
                continue
            self.seconds.append(time.perf_counter() - began)
            self.answers.append(content)
            if answer.status != 200:
                self.failures.append(f"{answer.status}: {content[:200]!r}")
            if not keep:
                connection.close()
                connection = self._connection()
            if think_s:
                self._stopped.wait(think_s)
        connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)


def releases_that_answer(port: int, path: str, body: bytes) -> set[str]:
    """Releases named by answers on connections of their own; one of two workers is missed once in a million times."""
    found = set()
    for _ in range(22):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        found.add(json.loads(connection.getresponse().read())["release"])
        connection.close()
    return found
