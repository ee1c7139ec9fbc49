"""Which lines of a catalogue file the live rows came from, so that a sync reads only lines that it has not seen.

data_dir/lines/RELEASE.npy    (N, 16) bytes a line's hash, in the order of the file; (N,) its row: one array of records
data_dir/lines/RELEASE.json   for which state of the release they hold, and the hash of the file beside it

They are a shortcut and nothing else: without them, or with others, every line is read.
"""

import hashlib
from array import array
from importlib.metadata import version
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from embedding.durable_files import hash_file, write_durably

_HASH_BYTES = 16
_WINDOW_BYTES = 4_096 * _HASH_BYTES
_RECORD = np.dtype([("hash", f"V{_HASH_BYTES}"), ("row", "<i4")])


class State(Struct, frozen=True):
    """What the live rows were when the lines were noted; another reader may read the same line otherwise."""

    release: str
    rows_seq: int
    nearfield: str
    table: str = ""

    @classmethod
    def of(cls, release: str, rows_seq: int) -> "State":
        """Of this version of Nearfield."""
        return cls(release, rows_seq, version("nearfield"))


class AmbiguousLinesError(Exception):
    """Two rows of one id, the first of them in a line that was passed over: all lines must be read."""


class KnownLines:
    """The lines of one reading: those known from the one before are passed over, all good ones are noted."""

    def __init__(self, known: NDArray[np.void] | None, kept: bytearray) -> None:
        """`kept` (one byte a row) is set for the row of each line that is passed over."""
        self._kept = kept
        self._hashes = b"" if known is None else known["hash"].tobytes()
        self._rows = array("i") if known is None else array("i", known["row"].astype(np.int32).tobytes())
        # Where the next line would be, if the file is in the order that it was in.
        self._next = 0
        self._last = b""
        self._asked = False
        self._noted = bytearray()
        self._noted_rows = array("i")
        self.num_known = 0
        self.complete = True
        """Whether every good row so far was a line."""

    def knows(self, line: bytes) -> bool:
        """As UnchangedLines."""
        digest = hashlib.blake2b(line, digest_size=_HASH_BYTES).digest()
        place = self._place_of(digest)
        if place >= 0:
            self._next = place + 1
            row = self._rows[place]
            if not self._kept[row]:
                self._kept[row] = 1
                self._noted += digest
                self._noted_rows.append(row)
                self.num_known += 1
                return True
        self._last, self._asked = digest, True
        return False

    def took(self) -> None:
        """As UnchangedLines."""
        self.complete &= self._asked
        self._asked = False
        self._noted += self._last
        self._noted_rows.append(-1)

    def save(self, path: Path, state: State, rows_taken: NDArray[np.int32]) -> None:
        """Note all good lines for the next reading; `rows_taken` are the rows of those that were read, in order.

        Nothing is kept of a catalogue that was not all lines.
        """
        rows = np.array(self._noted_rows, np.int32)
        read = rows < 0
        if not self.complete or int(read.sum()) != len(rows_taken):
            forget_lines(path.parent.parent, state.release)
            return
        rows[read] = rows_taken
        table = np.empty(len(rows), _RECORD)
        table["hash"] = np.frombuffer(self._noted, dtype=f"V{_HASH_BYTES}")
        table["row"] = rows
        _save(path, table, state)

    def _place_of(self, digest: bytes) -> int:
        start = self._next * _HASH_BYTES
        if self._hashes[start : start + _HASH_BYTES] == digest:
            return self._next
        # Behind lines that are gone or were changed; a file in another order is read as if nothing were known.
        found = self._hashes.find(digest, start, start + _WINDOW_BYTES)
        return -1 if found % _HASH_BYTES else found // _HASH_BYTES


def carry_lines(data_dir: Path, before: State, after: State, places: NDArray[np.int32]) -> None:
    """Let the lines known in one state hold in another, in which row r is `places[r]`, or gone where that is -1."""
    table = load_lines(lines_path(data_dir, before.release), before)
    if table is not None:
        moved = table.copy()
        moved["row"] = places[table["row"]]
        _save(lines_path(data_dir, after.release), moved[moved["row"] >= 0], after)


def _save(path: Path, table: NDArray[np.void], state: State) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # The state names the table: one that was only half replaced belongs to no state.
    unfinished = path.with_name(f".{path.name}")
    with unfinished.open("wb") as file:
        np.save(file, table)
    unfinished.replace(path)
    named = msgspec.structs.replace(state, table=hash_file(path))
    write_durably(path.with_suffix(".json"), msgspec.json.encode(named))


def load_lines(path: Path, state: State) -> NDArray[np.void] | None:
    """What `KnownLines.save` wrote for this state; None for any other, or for a file that is not whole."""
    try:
        noted = msgspec.json.decode(path.with_suffix(".json").read_bytes(), type=State)
        if noted != msgspec.structs.replace(state, table=hash_file(path)):
            return None
        table: NDArray[np.void] = np.load(path)
    except (OSError, ValueError, msgspec.DecodeError):
        return None
    return table if table.dtype == _RECORD else None


def named_table(path: Path) -> str | None:
    """The hash (SHA-256, hex) of the table that a state's file stands beside; None when the file cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=State).table
    except (OSError, msgspec.DecodeError):
        return None


def lines_path(data_dir: Path, release: str) -> Path:
    """Where the lines of a release's catalogue are noted."""
    return data_dir / "lines" / f"{release}.npy"


def forget_lines(data_dir: Path, release: str) -> None:
    """Remove what was noted for a release."""
    path = lines_path(data_dir, release)
    for one in (path.with_suffix(".json"), path):
        one.unlink(missing_ok=True)
