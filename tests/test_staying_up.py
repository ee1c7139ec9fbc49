"""What clients, terminals and busy machines do to a running service: by sockets, signals and its log alone.

Nothing is imported of the product but its commands and its application, nor of the other tests: older builds can be
asked, too.
"""

import asyncio
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from service.cli import nearfield

SERVE = ("-c", "from service.cli import main; main()", "serve")
TOKEN = "a token"
# How long anything is waited for that must come: long, as this machine may stand still for seconds.
PATIENCE_S = 120.0
# An import that takes its time, as from a slow disk, until a file is there: what is meant comes from the next place
# that has it.
SLOW_IMPORT = """
import importlib, sys, time
from pathlib import Path
until = time.monotonic() + 120
while not Path({folder!r}, "may-load").exists() and time.monotonic() < until:
    time.sleep(0.05)
here = sys.path.index({folder!r})
folder = sys.path.pop(here)
del sys.modules[__name__]
importlib.import_module(__name__)
"""


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a live release of a few tracks."""
    folder = tmp_path_factory.mktemp("release")
    rows = [
        {"id": f"t{number}", "kind": "track", "title": f"River number {number}", "creator": "A band"}
        for number in range(30)
    ]
    (folder / "c.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        built = CliRunner().invoke(nearfield, ["index", "build", "c.jsonl", "--activate"])
    assert built.exit_code == 0, built.output
    return folder


class Service:
    """`nearfield serve` in a session of its own, as a terminal would start it."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.folder = log.parent
        self._log = log

    def log(self) -> str:
        return self._log.read_text()

    def connect(self, host: str = "127.0.0.1") -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S, source_address=(host, 0))

    def ask(
        self, method: str, path: str, body: Any = None, within_s: float = PATIENCE_S
    ) -> tuple[int, dict[str, str], Any]:
        """Status, headers and JSON of an answer; status 0 where none came in time."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=within_s)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, json.load(answer)
        except (OSError, http.client.HTTPException):
            return 0, {}, None
        finally:
            connection.close()

    def ended(self) -> int | None:
        """The exit code, None where it goes on."""
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            return None


@contextmanager
def served(folder: Path, log: Path, *, files: int = 1_024, path: Path | None = None) -> Iterator[Service]:
    """The release in `folder`, with `files` that may be open; `path` comes before what is imported."""
    port = free_port()
    environ = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    environ |= {"NEARFIELD_DEFAULT_MARKET": "SE", "NEARFIELD_ADMIN_TOKEN": TOKEN}
    environ["PYTHONPATH"] = os.pathsep.join([*([str(path)] if path else []), str(Path(__file__).parent.parent)])
    command = ["sh", "-c", f'ulimit -n {files}; exec "$@"', "sh", sys.executable, *SERVE, "--port", str(port)]
    with log.open("wb") as lines:
        process = subprocess.Popen(command, cwd=folder, env=environ, stdout=lines, stderr=lines, start_new_session=True)
    service = Service(process, port, log)
    try:
        eventually(lambda: "Nearfield serves" in service.log(), service.log)
        yield service
    finally:
        # Whatever is left of its group.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port() -> int:
    """Below those that the system gives to clients, of which other tests use up thousands."""
    while True:
        port = random.randrange(10_000, 12_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def eventually(holds: Callable[[], bool], told: Callable[[], object] = str) -> None:
    until = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < until, told()
        time.sleep(0.02)


def begun(length: int, body: bytes = b'{"text": "riv', path: str = "/v1/search", method: str = "POST") -> bytes:
    """A request whose body is told to be of `length` bytes, as far as it has been sent."""
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    return head.encode() + body


def closed_with(client: socket.socket) -> bytes | None:
    """All that the service said before it closed the connection; None where it did not in time."""
    client.settimeout(PATIENCE_S)
    said = b""
    try:
        while more := client.recv(65_536):
            said += more
    except TimeoutError:
        return None
    except ConnectionResetError:
        pass
    return said


@pytest.fixture(scope="module")
def narrow(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that may open few files; the last of its tests stops it."""
    with served(release, tmp_path_factory.mktemp("narrow") / "log", files=200) as service:
        yield service


def test_a_body_that_is_too_large_by_its_header_is_not_waited_for(narrow: Service) -> None:
    with narrow.connect() as client:
        client.sendall(begun(3_000_000))
        said = closed_with(client)
    assert said is not None, "it waits for the body"
    assert said.startswith(b"HTTP/1.1 413")


def test_a_body_that_does_not_come_is_given_up(narrow: Service) -> None:
    with narrow.connect() as stays, narrow.connect() as drips:
        for client in (stays, drips):
            client.sendall(begun(5_000))
        drips.settimeout(0.5)
        until = time.monotonic() + PATIENCE_S
        answer = b""
        while not answer and time.monotonic() < until:
            try:
                answer = drips.recv(65_536)
            except TimeoutError:
                # It may be closed by now, its answer yet to be read.
                with suppress(OSError):
                    drips.sendall(b" ")
        assert answer.startswith(b"HTTP/1.1 408"), "who sends a byte now and then is waited for"
        assert (closed_with(stays) or b"").startswith(b"HTTP/1.1 408"), "it is waited for"


def test_clients_that_stay_keep_nobody_out_and_do_not_put_off_a_stop(narrow: Service) -> None:
    with ExitStack() as crowd:
        # More of them than it may open files; then as many that say nothing at all.
        for number in range(220):
            try:
                client = crowd.enter_context(narrow.connect(f"127.0.0.{2 + number % 2}"))
                if number < 110:
                    client.sendall(begun(500))
            except OSError:
                # Turned away.
                continue
        eventually(lambda: narrow.ask("GET", "/health/live", within_s=10)[0] == 200, lambda: "nobody is let in")
        assert narrow.ask("GET", "/v1/items/t1")[0] == 200
        narrow.process.send_signal(signal.SIGTERM)
        assert narrow.ended() == 0, "it waits for bodies"


@pytest.fixture(scope="module")
def slow_to_load(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose text encoder is not loaded before the first of its tests is over; the last one stops it."""
    folder = tmp_path_factory.mktemp("slow")
    (folder / "sentence_transformers.py").write_text(SLOW_IMPORT.format(folder=str(folder)))
    with served(release, folder / "log", path=folder) as service:
        yield service


def test_right_after_a_start_a_put_is_told_to_come_again(slow_to_load: Service) -> None:
    row = {"id": "new", "kind": "track", "title": "A new one", "creator": "A band"}
    status, headers, problem = slow_to_load.ask("PUT", "/v1/items", {"items": [row]})
    assert status == 503, "it was waited for"
    assert problem["type"].endswith(":encoder-loading")
    assert int(headers["retry-after"]) >= 1
    assert slow_to_load.ask("GET", "/v1/items/new")[0] == 404
    (slow_to_load.folder / "may-load").touch()


def test_a_text_is_encoded_in_one_thread(slow_to_load: Service) -> None:
    def worker() -> Path:
        (pid,) = (
            child
            for child in Path(f"/proc/{slow_to_load.process.pid}/task/{slow_to_load.process.pid}/children")
            .read_text()
            .split()
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
        )
        return Path(f"/proc/{pid}")

    def ticks() -> dict[str, int]:
        stats = {task.name: (task / "stat").read_text() for task in (worker() / "task").iterdir()}
        return {name: sum(map(int, stat.rpartition(")")[2].split()[11:13])) for name, stat in stats.items()}

    def encoder() -> str:
        return str(slow_to_load.ask("GET", "/health/ready")[2]["encoder"])

    eventually(lambda: encoder() == "ready", lambda: f"the encoder is {encoder()}: {slow_to_load.log()}")
    before = ticks()
    for number in range(12):
        text = " ".join(f"river {number} {word}" for word in range(100))
        assert slow_to_load.ask("POST", "/v1/search", {"text": text, "mode": "semantic"})[0] == 200
    spent = sorted((after - before.get(name, 0) for name, after in ticks().items()), reverse=True)
    assert spent[1] < spent[0] * 0.4, f"ticks by thread: {spent}"


def test_ctrl_c_in_the_terminal_answers_what_is_in_flight_and_is_quiet(slow_to_load: Service) -> None:
    said_before = slow_to_load.log()
    body = json.dumps({"text": "river", "mode": "lexical"}).encode()
    with slow_to_load.connect() as client:
        head = begun(len(body), b"")
        client.sendall(head.replace(b"Host: x", b"Host: x\r\nExpect: 100-continue"))
        # It is in flight.
        assert client.recv(65_536).startswith(b"HTTP/1.1 100 ")
        client.sendall(body[:9])
        # As the terminal does: to every process of the group.
        os.killpg(slow_to_load.process.pid, signal.SIGINT)
        time.sleep(0.2)
        client.sendall(body[9:])
        answer = closed_with(client)
    assert (answer or b"").startswith(b"HTTP/1.1 200"), "what was in flight was dropped"
    assert slow_to_load.ended() in (0, 130)
    # The last process of the group writes on after the first has ended.
    time.sleep(0.3)
    told = slow_to_load.log().removeprefix(said_before)
    assert "Traceback" not in told
    assert "leaked" not in told
    assert len(told.splitlines()) <= 1, told


def test_nothing_is_kept_for_a_client_that_left(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(release)
    monkeypatch.setenv("NEARFIELD_ADMIN_TOKEN", TOKEN)
    monkeypatch.setenv("NEARFIELD_DEFAULT_MARKET", "SE")
    from service.main import build_app

    row = {"id": "left", "kind": "track", "title": "A new one", "creator": "A band"}
    assert asyncio.run(_put_and_leave(build_app(), row)) == 404


async def _put_and_leave(app: Any, row: dict[str, Any]) -> int:
    """Puts a row as a client that closes its connection at once; the status of a look for it."""

    def scope(method: str, path: str) -> dict[str, Any]:
        return {
            **{"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "root_path": ""},
            **{"method": method, "path": path, "raw_path": path.encode(), "query_string": b""},
            **{"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2)},
            "headers": [(b"content-type", b"application/json"), (b"authorization", f"Bearer {TOKEN}".encode())],
        }

    async def call(method: str, path: str, body: bytes) -> int:
        messages = [{"type": "http.request", "body": body, "more_body": False}]
        statuses: list[int] = []

        async def receive() -> Any:
            return messages.pop(0) if messages else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        await app(scope(method, path), receive, send)
        return statuses[0]

    async with app.lifespan():
        await call("PUT", "/v1/items", json.dumps({"items": [row]}).encode())
        return await call("GET", "/v1/items/left", b"")
