"""One build at a time over one data folder: a file lock that is released when its process ends."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from indexing.errors import BuildLockedError

# Whoever asks for the holder shares the lock for a moment: that is no build.
_TRIES, _PAUSE_S = 5, 0.02


@contextmanager
def build_lock(data_dir: Path) -> Iterator[None]:
    """Hold `data_dir/build.lock`; BuildLockedError names the process that holds it already."""
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / "build.lock"
    with path.open("a+") as file:
        if not _locked(file):
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise BuildLockedError(f"{path} is held by {holder}. Wait for it to end, or stop it.")
        file.truncate(0)
        file.write(f"process {os.getpid()}, since {datetime.now(UTC).isoformat(timespec='seconds')}")
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def _locked(file: IO[str]) -> bool:
    for _ in range(_TRIES):
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(_PAUSE_S)
    return False


def holder(data_dir: Path) -> str | None:
    """The process that holds the build lock now, for a person; None where none does."""
    path = data_dir / "build.lock"
    if not path.exists():
        return None
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return file.read().decode(errors="replace").strip() or "another process"
        return None
