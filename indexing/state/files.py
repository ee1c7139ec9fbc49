"""The state as files in the data folder: one host, any number of processes, which look before each answer.

journal/changes.log   the log (indexing/state/file_log.py), and what a fresh reader begins with (file_snapshot.py)
journal/begins        up to which number a log was cut that was moved to here; not there where it never was
live                  the live release's id, replaced atomically
activations.jsonl     all switches, one a line
rules/                accepted rules (indexing/state/file_rules.py)
build.lock            the build lock (indexing/state/file_lock.py)
cursor.key            the cursors' key (indexing/state/file_key.py)
host                  which host serves from it (indexing/state/host_mark.py)
state.id              the state's name, made when it is first asked for
state.moved           where the state was moved to; not there while it is here
state.moving          there while a state is moved to here
"""

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from uuid import uuid4

import msgspec

from embedding.durable_files import write_durably
from embedding.errors import DamagedError
from indexing.errors import StateError
from indexing.rules.declaration import RuleSet
from indexing.rules.reading import Fits
from indexing.state.contract import Activation, Pointer
from indexing.state.file_key import cursor_key
from indexing.state.file_lock import build_lock, holder
from indexing.state.file_log import FileLog, FileReader, moved_away
from indexing.state.file_rules import AcceptedRules
from indexing.state.host_mark import HostMark
from indexing.state.records import Change, Frame

MOVED = "state.moved"
MOVING = "state.moving"
BEGINS = "journal/begins"
_RELEASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


def read_begins(data_dir: Path) -> int:
    """The number up to which the log in `data_dir` is cut; DamagedError where that cannot be read."""
    path = data_dir / BEGINS
    try:
        return int(path.read_text())
    except FileNotFoundError:
        return 0
    except ValueError as error:
        raise DamagedError(f"{path} should hold a number: {error}. Restore it from a backup.") from error


class FilesReader:
    """As LogReader; a look that finds nothing costs two `stat`s."""

    def __init__(self, data_dir: Path, log: FileReader, rules: AcceptedRules) -> None:
        self._data_dir = data_dir
        self._log = log
        self._rules = rules

    async def fresh(self) -> Sequence[Frame]:
        frames = self._log.read()
        if self._log.moved is not None:
            raise moved_away(self._data_dir, self._log.moved)
        return frames

    def fresh_rules(self) -> tuple[str, RuleSet] | None:
        return self._rules.fresh()


class FilesState:
    """As StateStore, in `data_dir`; StateError where the state was moved away from it, unless `also_moved`."""

    def __init__(self, data_dir: Path, *, also_moved: bool = False) -> None:
        moved = data_dir / MOVED
        if moved.exists() and not also_moved:
            raise moved_away(data_dir, moved.read_text().strip())
        if (data_dir / MOVING).exists() and not also_moved:
            raise StateError(f"a state was being moved to {data_dir}, which did not end: move it again")
        self._data_dir = data_dir
        self._mark = HostMark(data_dir)
        self._log = FileLog(data_dir / "journal")
        self._live = data_dir / "live"
        self._activations = data_dir / "activations.jsonl"
        self._rules = AcceptedRules(data_dir / "rules")

    def check_host(self) -> None:
        """BusyError where another host serves from this folder."""
        self._mark.check()

    async def append(self, changes: Sequence[Change]) -> int:
        return await self._log.append(changes)

    async def end(self) -> int:
        return await self._log.end()

    async def items_said(self, ids: Collection[str]) -> set[str]:
        return await asyncio.to_thread(self._log.items_said, ids)

    def reader(self) -> FilesReader:
        return FilesReader(self._data_dir, self._log.reader(), AcceptedRules(self._data_dir / "rules"))

    async def id(self) -> str:
        path = self._data_dir / "state.id"
        if not path.exists():
            self._data_dir.mkdir(parents=True, exist_ok=True)
            mine = self._data_dir / f".state.id.{uuid4().hex}"
            mine.write_text(f"{uuid4()}\n")
            # Unlike a rename, a link fails where another process was first.
            with suppress(FileExistsError):
                os.link(mine, path)
            mine.unlink()
        return path.read_text().strip()

    async def now(self) -> float:
        return time.time()

    def known_now(self) -> float:
        return time.time()

    async def live(self) -> str | None:
        try:
            data = self._live.read_bytes()
        except FileNotFoundError:
            return None
        name = data.removesuffix(b"\n").decode("ascii", errors="replace")
        if not data.endswith(b"\n") or not _RELEASE.fullmatch(name):
            raise DamagedError(
                f"{self._live} should hold the live release's id and a line end, it holds {data[:80]!r}: "
                "remove it, then activate a release again."
            )
        return name

    async def pointer(self) -> Pointer:
        return Pointer(await self.live())

    async def prepare(self, release: str, wait_s: float, without: Collection[str] = ()) -> list[str]:  # noqa: ARG002
        # The one host there is loads what is live, and goes on with what was until it has.
        return []

    async def withdraw(self) -> None:
        return

    async def report(self, loaded: str | None, gone: Sequence[str]) -> bool:  # noqa: ARG002  # as StateStore
        self._mark.write()
        return False

    async def keep(self, kept: Mapping[str, int], *, stored: bool = False) -> None:  # noqa: ARG002  # as StateStore
        # Nothing is cut off: what replaced nothing may be asked for by a release that comes from a backup.
        await asyncio.to_thread(self._log.fold)

    async def kept_elsewhere(self, *, stored: bool = True) -> set[str]:  # noqa: ARG002  # as StateStore
        return set()

    async def begins(self) -> int:
        return read_begins(self._data_dir)

    async def serving(self, data_dir: Path) -> None:  # noqa: ARG002  # as StateStore
        self._mark.check()
        self._mark.write()

    async def served(self) -> None:
        self._mark.remove()

    async def switch(self, activation: Activation) -> None:
        # The activations come first: a switch that they do not know could not be undone.
        whole = self._whole_lines()
        with self._activations.open("r+b" if self._activations.exists() else "wb") as file:
            file.truncate(len(whole))
            file.seek(len(whole))
            file.write(msgspec.json.encode(activation) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        write_durably(self._live, f"{activation.release}\n".encode())

    async def activations(self) -> list[Activation]:
        try:
            return [msgspec.json.decode(line, type=Activation) for line in self._whole_lines().splitlines()]
        except msgspec.DecodeError as error:
            raise DamagedError(
                f"{self._activations} cannot be read: {error}. Remove the broken line, or use "
                "`nearfield index activate`."
            ) from error

    def _whole_lines(self) -> bytes:
        """The activations without a last line that was torn by a crash: the switch it announced did not happen."""
        data = self._activations.read_bytes() if self._activations.exists() else b""
        return data[: data.rfind(b"\n") + 1]

    async def rules(self) -> tuple[str, RuleSet]:
        return self._rules.current()

    async def rules_data(self) -> bytes | None:
        return self._rules.data()

    async def accept(self, data: bytes, source: str, fits: Fits, by: str = "") -> str:  # noqa: ARG002  # as StateStore
        return self._rules.accept(data, source, fits)

    @asynccontextmanager
    async def build_lock(self) -> AsyncIterator[None]:
        with build_lock(self._data_dir):
            yield

    async def build_holder(self) -> str | None:
        return holder(self._data_dir)

    async def cursor_key(self) -> bytes:
        return cursor_key(self._data_dir)

    async def unacknowledged(self, number: int, wait_s: float) -> list[str]:  # noqa: ARG002  # as StateStore
        # Every process looks at the end of the log before it answers.
        return []

    async def close(self) -> None:
        return
