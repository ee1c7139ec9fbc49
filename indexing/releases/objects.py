"""Files in a folder or a bucket, each there whole or not at all, by any file system that fsspec knows.

Object stores show a file when it is complete. A folder does not, so there each is written beside its place first.
"""

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from fsspec.callbacks import Callback

from embedding.durable_files import flush
from embedding.errors import NearfieldError
from embedding.progress import Advance
from indexing.errors import ReleaseStoreError
from indexing.releases.holes import copy_with_holes


@contextmanager
def asked(name: str, doing: str) -> Iterator[None]:
    """Tell what the store of this name could not do, as ReleaseStoreError."""
    try:
        yield
    except NearfieldError:
        raise
    except Exception as error:
        # Each file system raises its library's own; Python's, but for those of the system, are mistakes of ours.
        if type(error).__module__ == "builtins" and not isinstance(error, OSError):
            raise
        raise ReleaseStoreError(
            f"The release store {name} could not {doing}: {type(error).__name__}: {error}. Mend that and type the "
            "command again; what was sent or fetched is not sent or fetched again."
        ) from error


class Objects:
    """Files below `root` of a file system; paths are relative to it. `name` is what people call the place.

    Every method may raise ReleaseStoreError, with the file system's own words.
    """

    def __init__(self, file_system: Any, root: str, name: str) -> None:
        self.name = name
        self._fs, self._root = file_system, root.rstrip("/")

    def read(self, path: str, start: int = 0, end: int | None = None) -> bytes | None:
        """Bytes of a file from `start` up to `end`, or to its own end; None where there is no such file."""
        with self._asked(f"read {path}"), suppress(FileNotFoundError):
            return bytes(self._fs.cat_file(self._at(path), start=start, end=end))
        return None

    def folders(self) -> list[str]:
        """Names of the folders at the root, sorted."""
        with self._asked("list what it holds"), suppress(FileNotFoundError):
            # What another host wrote is news to a listing that was kept.
            self._fs.invalidate_cache()
            found = self._fs.ls(self._root or "/", detail=True)
            return sorted(entry["name"].rstrip("/").rsplit("/", 1)[-1] for entry in found if entry["type"] != "file")
        return []

    def sizes(self, folder: str) -> dict[str, int]:
        """Bytes of every file below a folder, by its path from there; empty where there is no such folder."""
        with self._asked(f"list {folder}"), suppress(FileNotFoundError):
            self._fs.invalidate_cache()
            found = self._fs.find(self._at(folder), detail=True)
            return {name.split(f"{self._at(folder)}/", 1)[-1]: int(entry["size"]) for name, entry in found.items()}
        return {}

    def changed_at(self, path: str) -> datetime | None:
        """When a file was written, by the file system's clock; None where it is gone or the file system cannot say."""
        with self._asked(f"ask when {path} was written"), suppress(FileNotFoundError, NotImplementedError):
            found: datetime = self._fs.modified(self._at(path))
            return found
        return None

    def put(self, path: str, source: Path, advance: Advance) -> None:
        """Write a file with the bytes of `source`, in place of one that is there; `advance` is told of bytes."""
        told = 0

        def tell(size: int | None, value: int, **_: object) -> None:  # noqa: ARG001  # fsspec names them
            nonlocal told
            advance(value - told)
            told = value

        with self._asked(f"write {path}"):
            self._fs.put_file(str(source), self._at(path), callback=Callback(hooks={"advance": tell}))
        # Not every file system tells how far it has come.
        advance(source.stat().st_size - told)

    def create(self, path: str, data: bytes) -> bool:
        """Write a new file; False, and nothing written, where there is one already."""
        with self._asked(f"write {path}"), suppress(FileExistsError):
            self._fs.pipe_file(self._at(path), data, mode="create")
            return True
        return False

    def replace(self, path: str, data: bytes) -> None:
        """Write a file in place of the one that is there."""
        with self._asked(f"write {path}"):
            self._fs.pipe_file(self._at(path), data)

    def remove(self, path: str) -> None:
        """Remove a file, or a folder with all that is in it; nothing happens where there is none."""
        with self._asked(f"remove {path}"), suppress(FileNotFoundError):
            self._fs.invalidate_cache()
            self._fs.rm(self._at(path), recursive=True)

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}"

    def _asked(self, doing: str) -> AbstractContextManager[None]:
        return asked(self.name, doing)


class FolderObjects(Objects):
    """Files in a folder of this machine, or of a network disk that is mounted here; flushed before they are seen."""

    def put(self, path: str, source: Path, advance: Advance) -> None:
        """As Objects. Where another process writes the same file, its end is waited for, and its file taken."""
        target = Path(self._at(path))
        with self._asked(f"write {path}"):
            # One name for everybody: what a killed process left there is written over, and never left lying.
            beside = _beside(target, "part")
            with os.fdopen(os.open(beside, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644), "r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                if not _is_at(file, beside):
                    advance(source.stat().st_size)
                    return
                file.truncate(0)
                copy_with_holes(source, file, advance)
                file.flush()
                os.fsync(file.fileno())
                beside.replace(target)
            flush(target.parent)

    def create(self, path: str, data: bytes) -> bool:
        """As Objects."""
        target = Path(self._at(path))
        with self._asked(f"write {path}"), _written_beside(target, data) as beside, suppress(FileExistsError):
            os.link(beside, target)
            flush(target.parent)
            return True
        return False

    def replace(self, path: str, data: bytes) -> None:
        """As Objects."""
        target = Path(self._at(path))
        with self._asked(f"write {path}"), _written_beside(target, data) as beside:
            beside.replace(target)
            flush(target.parent)


def _is_at(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _beside(target: Path, mark: str) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    return target.with_name(f".{target.name}.{mark}")


@contextmanager
def _written_beside(target: Path, data: bytes) -> Iterator[Path]:
    beside = _beside(target, uuid.uuid4().hex)
    try:
        with beside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield beside
    finally:
        beside.unlink(missing_ok=True)
