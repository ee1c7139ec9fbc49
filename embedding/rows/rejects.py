"""Rejects: bad rows are counted and written to a file with the reason, and only a small share may be bad."""

import os
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple, Self

import msgspec
from msgspec import Struct

from embedding.errors import RejectedInputError

# Enough for a terminal; the file has all of them.
NUM_KEPT = 50
CAME_LENGTH = 80


class Fault(NamedTuple):
    """One thing wrong with a row: the field (empty: the whole row), what was expected, what came (as text)."""

    field: str
    expected: str
    came: str


class Reject(Struct, frozen=True):
    """One fault of a row that was not taken, and where it stands.

    `line` counts lines from 1 (rows in Parquet), None where the whole file is meant; `field` is empty where the
    whole row is meant.
    """

    file: str
    line: int | None
    field: str
    expected: str
    came: str


class Rejects:
    """Counts good and bad rows; writes the faults of the bad ones to `path`, one JSON line a fault.

    A context manager. The file appears under its name when the context is left, and only if there was a reject;
    one of an earlier run at the same path is removed. `first` holds all faults of the first bad rows: of so many that
    there are 50 or more; `num_faults` counts them all.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.accepted = 0
        self.rejected = 0
        self.num_faults = 0
        self.first: list[Reject] = []
        self._partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
        self._file: IO[bytes] | None = None

    @property
    def read(self) -> int:
        """Rows that were looked at: accepted and rejected."""
        return self.accepted + self.rejected

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def accept(self, num_rows: int) -> None:
        """Count `num_rows` good rows."""
        self.accepted += num_rows

    def add(self, file: str, line: int | None, *faults: Fault) -> None:
        """Count one bad row and write down each of its `faults`; what came is cut to 80 characters."""
        self.rejected += 1
        self.num_faults += len(faults)
        rejects = [Reject(file, line, field, expected, shortened(came)) for field, expected, came in faults]
        if len(self.first) < NUM_KEPT:
            self.first.extend(rejects)
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._partial.open("wb")
        self._file.writelines(msgspec.json.encode(reject) + b"\n" for reject in rejects)

    def enforce(self, max_share: float) -> None:
        """Raise RejectedInputError when no good row came, or more than `max_share` of the rows is bad."""
        if self.accepted == 0:
            why = f"the first reject: {described(self.first[0])}" if self.first else "no row at all came"
            raise RejectedInputError(f"expected rows, but not one good row came ({self.rejected:,} rejected); {why}")
        if self.rejected > max_share * self.read:
            raise RejectedInputError(
                f"{self.rejected:,} of {self.read:,} rows are bad ({self.rejected / self.read:.2%}), and at most"
                f" {max_share:.2%} may be (setting max_reject_share); mend the rows listed in {self.path}"
            )

    def close(self) -> None:
        """Put the rejects file in its place; without rejects there is none."""
        if self._file is None:
            self.path.unlink(missing_ok=True)
            return
        self._file.close()
        self._file = None
        self._partial.replace(self.path)


def default_rejects_path(data_dir: Path, source: Path) -> Path:
    """Where the rejects of `source` go by default."""
    return data_dir / "rejects" / f"{source.name or 'rows'}.rejects.jsonl"


def described(reject: Reject) -> str:
    """One line for a person."""
    place = reject.file if reject.line is None else f"{reject.file}:{reject.line}"
    return f"{place}: {reject.field or 'row'}: expected {reject.expected}, came {reject.came}"


def shortened(came: str) -> str:
    """At most 80 characters of `came`, the rest as an ellipsis."""
    return came if len(came) <= CAME_LENGTH else came[: CAME_LENGTH - 1] + "…"


def shown(value: object) -> str:
    """`value` as JSON would write it, shortened; control characters are escaped, so that a terminal can show it."""
    if value is None:
        return "nothing"
    # Encoding ten megabytes to show eighty characters of them would be waste.
    head = value[:200] if isinstance(value, (str, bytes, list, tuple)) else value
    if isinstance(head, bytes):
        head = head.decode("utf-8", "backslashreplace")
    if isinstance(head, str):
        # Lone surrogates stand for bytes that were not UTF-8.
        escaped = "".join(_escaped(c) for c in head)
        return shortened(f'"{escaped}"' if len(value) <= 200 else f'"{escaped}')  # type: ignore[arg-type]
    try:
        return shortened(msgspec.json.encode(head, enc_hook=str).decode())
    except (TypeError, OverflowError, RecursionError, UnicodeEncodeError):
        return shortened(repr(head))


def _escaped(char: str) -> str:
    if char == '"':
        return '\\"'
    if char.isprintable():
        return char
    return char.encode("unicode_escape").decode("ascii")
