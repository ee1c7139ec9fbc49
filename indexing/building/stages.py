"""How far an unfinished build has come: from which inputs, and which of its stages are done and on the disk.

FOLDER/build.json     what it was begun with: a build of anything else clears it away
FOLDER/written.json   columns, users and model are whole; nothing needs to be read or encoded again
FOLDER/optimised      the engine's points are written, optimised and flushed
"""

from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from embedding.durable_files import flush, flush_folder, hash_file, hash_of, write_durably
from embedding.rows.readers import source_files
from indexing.release.manifest import Counts
from indexing.stores.contract import POINTS

T = TypeVar("T")

_START, _WRITTEN, _OPTIMISED = "build.json", "written.json", "optimised"


class BuildStart(Struct, frozen=True):
    """A fingerprint of the inputs, and the journal's last frame when the first of their rows was read.

    `lineage`: of a compaction, the build that it goes back to and the compactions between, oldest first.
    """

    inputs: str
    journal_seq: int
    lineage: tuple[str, ...] = ()


class WrittenColumns(Struct, frozen=True):
    """What went into the columns."""

    counts: Counts
    dims: dict[str, int]
    input_fields: tuple[str, ...]
    extra_fields: tuple[str, ...]


def fingerprint(files: tuple[Path | None, ...], *others: object) -> str:
    """SHA-256 (hex) over the bytes of all `files` (files or folders) and over plain values."""
    hashes = [[(file.name, hash_file(file)) for file in source_files(path)] if path else None for path in files]
    return hash_of([hashes, others])


def mark_started(folder: Path, start: BuildStart) -> None:
    """Make the folder of a new build."""
    folder.mkdir(parents=True)
    write_durably(folder / _START, msgspec.json.encode(start))


def started_with(folder: Path) -> BuildStart | None:
    """What a build was begun with; None when nothing that could be gone on with was left there."""
    return _read(folder / _START, BuildStart)


def written_in(folder: Path) -> WrittenColumns | None:
    """What the columns hold, None when they are not whole."""
    return _read(folder / _WRITTEN, WrittenColumns)


def is_written(folder: Path) -> bool:
    """Whether columns, users and model are whole: what the next build of the same inputs goes on with."""
    return written_in(folder) is not None


def mark_written(folder: Path, written: WrittenColumns) -> None:
    """Say that the columns are whole, once they are on the disk.

    Points are for the engine to flush; it may still be at work on them, and files there come and go.
    """
    for part in folder.iterdir():
        if not part.name.startswith(POINTS):
            flush_folder(part)
    flush(folder)
    write_durably(folder / _WRITTEN, msgspec.json.encode(written))


def is_optimised(folder: Path) -> bool:
    """Whether the engine's points are whole and optimised."""
    return (folder / _OPTIMISED).exists()


def mark_optimised(folder: Path) -> None:
    """Say that the engine has flushed its points."""
    write_durably(folder / _OPTIMISED, b"")


def unmark_optimised(folder: Path) -> None:
    """Let the next build write the points again."""
    (folder / _OPTIMISED).unlink(missing_ok=True)


def clear_marks(folder: Path) -> None:
    """Of a release that is finished."""
    for name in (_START, _WRITTEN, _OPTIMISED):
        (folder / name).unlink(missing_ok=True)


def _read(path: Path, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
