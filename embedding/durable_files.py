"""Atomic, durable writes: files and folders that are there whole or not at all, flushed to the disk; and hashes."""

import ctypes
import errno
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def hash_file(path: Path) -> str:
    """SHA-256 (hex) over a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_of(value: object) -> str:
    """SHA-256 of a value's deterministic JSON."""
    return hashlib.sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()


def write_durably(path: Path, data: bytes) -> None:
    """Write a file atomically: a reader sees the old one or the new one, also after a power cut."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    flush(path.parent)


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """A folder beside `target`, to be filled, that takes its place when the context ends without an error."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield fresh
        # mkdtemp makes folders for the owner alone; others may serve what is in this one.
        fresh.chmod(0o755)
        replace_folder(fresh, target)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


def replace_folder(fresh: Path, target: Path) -> None:
    """Move the folder `fresh` to `target`, on one file system; an old folder there is removed afterwards.

    Where the system can exchange two names in one step (Linux: renameat2), a reader finds the old folder or the
    new one and never none; elsewhere there is none for the time between two renames.
    """
    flush_folder(fresh)
    if not target.exists():
        fresh.rename(target)
    elif _exchange(fresh, target):
        shutil.rmtree(fresh)
    else:
        old = fresh.with_name(f"{fresh.name}.old")
        target.rename(old)
        fresh.rename(target)
        shutil.rmtree(old)
    flush(target.parent)


def flush_folder(folder: Path) -> None:
    """Flush every file below `folder`, and the folders' own entries, to the disk."""
    for path in (*folder.rglob("*"), folder):
        flush(path)


def flush(path: Path) -> None:
    """Flush a file, or a folder's own entries, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _exchange(first: Path, second: Path) -> bool:
    """Exchange two names in one step; False where the system or the file system cannot."""
    if not sys.platform.startswith("linux"):
        return False
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    if rename(_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
        return False
    raise OSError(number, os.strerror(number), str(second))
