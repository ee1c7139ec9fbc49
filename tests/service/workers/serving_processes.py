"""A running stand-in service for tests: real processes, real sockets, on loopback."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.free_ports import free_port


def eventually(what: Callable[[], bool], within_s: float = 120.0, every_s: float = 0.02) -> None:
    """Look `every_s` until `what` holds; AssertionError when it does not within `within_s`."""
    until = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < until, "it did not come true in time"
        time.sleep(every_s)


class Service:
    """One `standin_program` over `folder`."""

    def __init__(self, folder: Path, process: subprocess.Popen[str], port: int) -> None:
        self._folder = folder
        self.process = process
        self.port = port

    def publish(self, release: str) -> None:
        """Make `release` the live one."""
        new = self._folder / "live.new"
        new.write_text(release)
        new.replace(self._folder / "live")

    @contextmanager
    def marked(self, name: str) -> Iterator[None]:
        """While in the block, the file `name` is there: `standin_app` says what it does."""
        mark = self._folder / name
        mark.touch()
        try:
            yield
        finally:
            mark.unlink()

    @contextmanager
    def request_in_flight(self) -> Iterator[list[dict[str, Any]]]:
        """A request that a worker has and does not answer before the block ends; the answer is then in the list."""
        answers: list[dict[str, Any]] = []
        asking = threading.Thread(target=lambda: answers.append(self.ask("/slow")))
        with self.marked("busy"):
            asking.start()
            self.until_asked_slowly()
            yield answers
        asking.join()

    def until_asked_slowly(self) -> None:
        """Until a worker has a request to /slow."""
        came = self._folder / "came"
        eventually(came.exists)
        came.unlink()

    def ask(self, path: str = "/") -> dict[str, Any]:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            assert answer.status == 200
            found: dict[str, Any] = json.loads(answer.read())
            return found
        finally:
            connection.close()

    def ask_many(self) -> list[dict[str, Any]]:
        """So many requests that each of two workers gets some (all in one is less likely than one in a million)."""
        return [self.ask() for _ in range(22)]

    def log(self) -> str:
        """What the processes have written so far."""
        return (self._folder / "log").read_text()

    def children(self) -> set[int]:
        """Process numbers of its workers."""
        return _children(self.process.pid, "spawn_main") | self.forks()

    def forks(self) -> set[int]:
        """Process numbers of the workers that were forked."""
        return set().union(*(_children(fork_server, "forkserver") for fork_server in self.fork_servers()))

    def fork_servers(self) -> set[int]:
        """The process from which workers are forked, once there is one."""
        return _children(self.process.pid, "forkserver")

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=120)


def _children(pid: int, command: str) -> set[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {int(child) for child in children if command.encode() in _command_of(child)}


def _command_of(pid: str) -> bytes:
    """The words that a process was begun with; none of one that has ended since it was listed."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def gone(pid: int) -> bool:
    """Whether the process is over."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (ProcessLookupError, FileNotFoundError):
        # It may end between the two, and while its file is read.
        return True


@contextmanager
def standin_service(
    folder: Path, *, num_workers: int, patience_s: float = 3.0, forked: bool = False
) -> Iterator[Service]:
    """A service that answers from release `r0`; whatever is left of it at the end is ended.

    `forked`: it has gone on for so long that fresh workers are forked.
    """
    (folder / "live").write_text("r0")
    port = free_port()
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.service.workers.standin_program"),
                *(str(folder), str(port), str(num_workers), str(patience_s)),
                "forked" if forked else "spawned",
            ],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    service = Service(folder, process, port)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready r0\n", service.log()
        if forked:
            eventually(lambda: "are forked from now on" in service.log())
        yield service
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        assert process.stdout is not None
        process.stdout.close()
