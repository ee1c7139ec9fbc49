"""The files of an export: one file, a folder with all below it, or a zip file as a service hands it out."""

import lzma
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from embedding.errors import NotFoundError, RejectedInputError
from embedding.importers.listens.listen import ListenFormat

# A lifetime of listens takes less than one.
_MAX_BYTES = 8 * 2**30

# What zipfile makes of damage: of a place where no file begins OSError, of a name that is not UTF-8 ValueError.
_DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
)


class ExportFile(Struct, frozen=True):
    """One file with listens: `name` for people, and the path at which it can be read."""

    name: str
    path: Path


@contextmanager
def export_files(source: Path, of: ListenFormat) -> Iterator[list[ExportFile]]:
    """The files with listens at `source`, in the order of their names; what a zip file holds is there until the end.

    Raises NotFoundError where there are none, RejectedInputError for a zip file that is damaged or beyond 8 GiB.
    """
    if source.is_dir():
        paths = sorted(path for path in source.rglob("*") if path.is_file())
        found = [ExportFile(str(path), path) for path in paths if of.reads(path.relative_to(source).as_posix())]
        yield _some(found, source, of)
    elif source.is_file() and zipfile.is_zipfile(source):
        with tempfile.TemporaryDirectory(prefix="nearfield-export-") as folder:
            yield _some(_unpacked(source, Path(folder), of), source, of)
    elif source.is_file():
        # Whatever its name, it is what was named.
        yield [ExportFile(str(source), source)]
    else:
        raise NotFoundError(f"expected the export at {source}: a file, a folder or a zip file; there is none")


def _unpacked(source: Path, folder: Path, of: ListenFormat) -> list[ExportFile]:
    found = []
    try:
        with zipfile.ZipFile(source) as archive:
            # Not `is_dir`, which fails on a member without a name.
            members = sorted(
                (m for m in archive.infolist() if not m.filename.endswith("/") and of.reads(m.filename)),
                key=lambda member: member.filename,
            )
            size = sum(member.file_size for member in members)
            if size > _MAX_BYTES:
                raise RejectedInputError(f"{source}: expected at most {_MAX_BYTES:,} bytes of listens, came {size:,}")
            for number, member in enumerate(members):
                # A name of our own: one in an archive may lead out of the folder.
                path = folder / f"{number}{''.join(Path(member.filename).suffixes[-2:])}"
                with archive.open(member) as packed, path.open("wb") as file:
                    shutil.copyfileobj(packed, file)
                found.append(ExportFile(f"{source}:{member.filename}", path))
    except _DAMAGES as error:
        raise RejectedInputError(f"{source}: expected a zip file that can be read, came {error}") from None
    return found


def _some(found: list[ExportFile], source: Path, of: ListenFormat) -> list[ExportFile]:
    if not found:
        raise NotFoundError(f"expected files of {of.name} in {source}, {of.files}, but there are none")
    return found
