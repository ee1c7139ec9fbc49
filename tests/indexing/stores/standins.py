"""Stand-ins for a Qdrant server as processes of a test, to be killed, stopped and started again."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.free_ports import free_port


class Standin:
    """A stand-in on a port of its own; `start` it again after `kill`."""

    def __init__(self, sleep_s: float = 0.0) -> None:
        self._sleep_s = sleep_s
        # gRPC is on the one after it.
        self.port = free_port(following=1)
        self.start()
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.indexing.stores.standin_qdrant", str(self.port), str(self._sleep_s)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)


@contextmanager
def standins(number: int = 1, sleep_s: float = 0.0) -> Iterator[list[Standin]]:
    made = [Standin(sleep_s) for _ in range(number)]
    try:
        yield made
    finally:
        for one in made:
            if one.process.poll() is None:
                one.kill()
