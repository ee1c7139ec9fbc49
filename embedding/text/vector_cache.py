"""The vector cache: text vectors on disk, by the hashes of encoder and text."""

import sqlite3
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from embedding.errors import BusyError, DamagedError, MismatchError, NearfieldError
from embedding.protocols import TextEncoder, Vectors

# Above it, SQLite's limit on variables in one statement comes near; below it, calls cost more than rows.
_GET_ROWS = 4_096
_BUSY_TIMEOUT_S = 60.0

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS about (encoder_hash TEXT NOT NULL, dims INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS vectors (text_hash BLOB PRIMARY KEY, crc INTEGER NOT NULL, vector BLOB NOT NULL)",
)
_Result = TypeVar("_Result")


class VectorCache:
    """One SQLite file for each encoder; any number of processes may read and write it at once.

    SQLite with a write-ahead log keeps committed vectors through a killed process; each row carries a CRC-32, so
    that a damaged vector is an error and never an answer. One object may be used from several threads.
    """

    def __init__(self, folder: Path, encoder_hash: str, dims: int) -> None:
        """Open or create the cache of one encoder below `folder`; `dims` is the length of its vectors.

        Raises MismatchError when the file there was made for vectors of another length, DamagedError when it is
        not a cache file, BusyError when another process holds it for a minute.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.path = cache_path(folder, encoder_hash)
        self.dims = dims
        self._lock = Lock()
        self._file = sqlite3.connect(self.path, timeout=_BUSY_TIMEOUT_S, check_same_thread=False, isolation_level=None)
        try:
            self._call(lambda: self._prepare(encoder_hash))
        except NearfieldError:
            self._file.close()
            raise

    @classmethod
    def of(cls, folder: Path, encoder: TextEncoder) -> Self:
        """The cache of `encoder`; a deferred encoder is not loaded where its cache already knows the dims."""
        dims = _stored_dims(cache_path(folder, encoder.hash))
        return cls(folder, encoder.hash, encoder.dims if dims is None else dims)

    def _prepare(self, encoder_hash: str) -> None:
        # Ten vectors of 384 dims fill such a page; the usual 4,096 bytes hold two and waste a quarter.
        self._file.execute("PRAGMA page_size = 16384")
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = NORMAL")
        with self._file:
            self._file.execute("BEGIN IMMEDIATE")
            for statement in _SCHEMA:
                self._file.execute(statement)
            if self._file.execute("SELECT count(*) FROM about").fetchone() == (0,):
                self._file.execute("INSERT INTO about VALUES (?, ?)", (encoder_hash, self.dims))
        found = self._file.execute("SELECT encoder_hash, dims FROM about").fetchone()
        if found != (encoder_hash, self.dims):
            raise MismatchError(
                f"The vector cache {self.path} holds vectors of {found[1]} dims from encoder {found[0]}; expected "
                f"{self.dims} dims from encoder {encoder_hash}. Delete the file: it is filled again as needed."
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def get(self, hashes: Sequence[bytes]) -> tuple[Vectors, NDArray[np.bool_]]:
        """Vectors (N, dims) of N text hashes and which of them were found (N,); the rows not found are zero.

        Raises DamagedError when a stored vector is not the one that was put.
        """
        vectors = np.zeros((len(hashes), self.dims), np.float32)
        found = np.zeros(len(hashes), np.bool_)
        for start in range(0, len(hashes), _GET_ROWS):
            part = hashes[start : start + _GET_ROWS]
            marks = ",".join("?" * len(part))
            rows = self._call(
                lambda part=part, marks=marks: self._file.execute(  # type: ignore[misc]
                    f"SELECT text_hash, crc, vector FROM vectors WHERE text_hash IN ({marks})", part
                ).fetchall()
            )
            stored = {key: self._checked(crc, blob) for key, crc, blob in rows}
            places = [place for place, key in enumerate(part) if key in stored]
            if places:
                joined = b"".join(stored[part[place]] for place in places)
                rows_found = np.asarray(places) + start
                vectors[rows_found] = np.frombuffer(joined, np.float32).reshape(len(places), self.dims)
                found[rows_found] = True
        return vectors, found

    def put(self, hashes: Sequence[bytes], vectors: Vectors) -> None:
        """Keep vectors (N, dims) of N text hashes, all or none; MismatchError for a wrong shape."""
        if vectors.shape != (len(hashes), self.dims) or vectors.dtype != np.float32:
            raise MismatchError(
                f"Expected {len(hashes)} float32 vectors of {self.dims} dims for the cache, "
                f"got {vectors.dtype} of shape {vectors.shape}."
            )
        blobs = [row.tobytes() for row in vectors]
        rows = [(key, zlib.crc32(blob), blob) for key, blob in zip(hashes, blobs, strict=True)]
        self._call(lambda: self._write(rows))

    def _write(self, rows: list[tuple[bytes, int, bytes]]) -> None:
        with self._file:
            self._file.execute("BEGIN IMMEDIATE")
            self._file.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)

    def __len__(self) -> int:
        return int(self._call(lambda: self._file.execute("SELECT count(*) FROM vectors").fetchone())[0])

    def _checked(self, crc: int, blob: bytes) -> bytes:
        if len(blob) != 4 * self.dims or zlib.crc32(blob) != crc:
            raise DamagedError(
                f"A vector in the cache {self.path} differs from what was put there. "
                "Delete the file: it is filled again as needed."
            )
        return blob

    def _call(self, work: Callable[[], _Result]) -> _Result:
        with self._lock:
            try:
                return work()
            except sqlite3.Error as error:
                raise _explained(error, self.path) from error


def cache_path(folder: Path, encoder_hash: str) -> Path:
    """The file that holds the vectors of one encoder."""
    return folder / f"text-{encoder_hash[:24]}.sqlite3"


def _stored_dims(path: Path) -> int | None:
    if not path.exists():
        return None
    file = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S)
    try:
        row = file.execute("SELECT dims FROM about").fetchone()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return None
        raise _explained(error, path) from error
    except sqlite3.Error as error:
        raise _explained(error, path) from error
    finally:
        file.close()
    return None if row is None else int(row[0])


def _explained(error: sqlite3.Error, path: Path) -> NearfieldError:
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return BusyError(f"Another process holds the vector cache {path} for longer than {_BUSY_TIMEOUT_S:.0f} s.")
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return DamagedError(f"The vector cache {path} is damaged ({error}). Delete it: it is filled again as needed.")
    return NearfieldError(f"The vector cache {path} cannot be used ({name or type(error).__name__}: {error}).")
