"""One build at a time over one data folder: a file lock that is released when its process ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from indexing.errors import BuildLockedError


@contextmanager
def build_lock(data_dir: Path) -> Iterator[None]:
    """Hold `data_dir/build.lock`; BuildLockedError names the process that holds it already."""
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / "build.lock"
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise BuildLockedError(f"{path} is held by {holder}. Wait for it to end, or stop it.") from None
        file.truncate(0)
        file.write(f"process {os.getpid()}, since {datetime.now(UTC).isoformat(timespec='seconds')}")
        file.flush()
        yield
        file.truncate(0)


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
