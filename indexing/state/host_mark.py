"""Which host serves from a data folder: locks and pointers on a disk that hosts share promise nothing.

data_dir/host   the kernel that serves from it and the host's name; written again every few seconds
"""

import time
from contextlib import suppress
from pathlib import Path
from socket import gethostname
from uuid import uuid4

from embedding.durable_files import write_durably
from embedding.errors import BusyError

_WRITTEN_EVERY_S = 5.0
_FRESH_S = 30.0


class HostMark:
    """The mark of one data folder, as this host reads and writes it."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._path = data_dir / "host"
        self._written_at = float("-inf")

    def check(self) -> None:
        """BusyError where another host has served from the folder just now."""
        try:
            kernel, _, name = self._path.read_text().strip().partition(" ")
            if kernel == _kernel():
                return
            age_s = self._now() - self._path.stat().st_mtime
        except FileNotFoundError:
            return
        if age_s < _FRESH_S:
            raise BusyError(
                f"{self._data_dir} is served from by host {name} ({age_s:.0f} s ago), and files keep the state of one "
                f"host alone. Stop it there and wait {_FRESH_S:.0f} s; or set state_url, and give each host a data_dir "
                "of its own."
            )

    def write(self) -> None:
        """Say that this host serves from the folder; nothing happens where that was said just now."""
        if time.monotonic() - self._written_at >= _WRITTEN_EVERY_S:
            write_durably(self._path, f"{_kernel()} {gethostname()}\n".encode())
            self._written_at = time.monotonic()

    def remove(self) -> None:
        """This host serves from it no more."""
        self._path.unlink(missing_ok=True)

    def _now(self) -> float:
        """By the clock that stamps files there, which may be another machine's."""
        probe = self._data_dir / f".now-{uuid4().hex}"
        probe.touch()
        try:
            return probe.stat().st_mtime
        finally:
            probe.unlink()


def _kernel() -> str:
    """The same for all processes and containers of a machine that runs; another one after it has started again."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return gethostname()
