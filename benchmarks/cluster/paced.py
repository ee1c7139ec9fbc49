"""Two hosts asked with `wrk`: as fast as they answer, or at a part of that."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from benchmarks.cluster.hosts import Host
from benchmarks.harness.wrk import CONNECTIONS, ask, write_script

_PATH = "/v1/similar"
_TRIAL_S = 4


class Paced:
    """Asks all `hosts` at once with the same bodies; scripts are written to `folder`."""

    def __init__(self, hosts: Sequence[Host], folder: Path, bodies: list[bytes]) -> None:
        self._hosts, self._folder, self._bodies = hosts, folder, bodies
        self.rates: list[float] = []
        """Requests a second of all hosts together, of each time that they were asked."""

    def rate(self, seconds: int, pause_ms: float = 0.0) -> float:
        """Requests a second of all hosts together, where each connection pauses between two so long on average."""
        with self.asked(seconds, pause_ms):
            pass
        return self.rates[-1]

    @contextmanager
    def asked(self, seconds: int, pause_ms: float) -> Iterator[None]:
        """As `rate`, beside what the block does; ends with the later of the two."""
        script = write_script(self._folder, "paced", self._bodies, pause_ms)
        with ThreadPoolExecutor(len(self._hosts)) as pool:
            running = [pool.submit(ask, script, host.url + _PATH, seconds) for host in self._hosts]
            yield
            self.rates.append(sum(one.result().rate for one in running))

    def pause_for(self, wanted: float, capacity: float) -> float:
        """Milliseconds of pause with which `wanted` requests a second come, found by a trial."""
        guess = 1000.0 * self._connections * (1 / wanted - 0.5 / capacity)
        return self.corrected(guess, self.rate(_TRIAL_S, guess), wanted)

    def corrected(self, pause_ms: float, came: float, wanted: float) -> float:
        """Milliseconds of pause with which `wanted` requests a second come, where with `pause_ms` so many `came`."""
        return max(1.0, pause_ms + 1000.0 * self._connections * (1 / wanted - 1 / came))

    @property
    def _connections(self) -> int:
        return CONNECTIONS * len(self._hosts)
