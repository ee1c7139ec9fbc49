"""How bytes of a row file are read: plain or gzip, line by line, no line longer than a bound, damage named."""

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# The longest text (2,000,000 characters) with every character written as a pair of JSON escapes is 24 MB.
MAX_LINE_BYTES = 32 * 2**20
_BUFFER_BYTES = 2**18
_SKIP_BYTES = 2**20
_BOM = b"\xef\xbb\xbf"


class FileDamage(Exception):
    """A file cannot be read, or not to its end: the line after the last good one, what was expected, what came."""

    def __init__(self, line: int | None, expected: str, came: str) -> None:
        super().__init__(f"expected {expected}, came {came}")
        self.line = line
        self.expected = expected
        self.came = came


class _Unpacked(io.RawIOBase):
    """The bytes in a gzip file, each as soon as it is there.

    A buffered reader over GzipFile itself fills its buffer or fails: what came before the damage would be lost.
    """

    def __init__(self, packed: gzip.GzipFile) -> None:
        self._packed = packed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer)
        part = self._packed.read1(len(view))
        view[: len(part)] = part
        return len(part)

    def close(self) -> None:
        self._packed.close()
        super().close()


def open_bytes(path: Path) -> IO[bytes]:
    """The bytes of `path`, unpacked where its name ends in .gz."""
    if path.name.lower().endswith(".gz"):
        # GzipFile's own readline is Python; a buffered reader's is not.
        return io.BufferedReader(_Unpacked(gzip.GzipFile(path, "rb")), _BUFFER_BYTES)
    return path.open("rb", buffering=_BUFFER_BYTES)


def read_lines(path: Path) -> Iterator[tuple[int, bytes, bool]]:
    """Lines of `path` as (number from 1, bytes with the line end, whole).

    A line longer than `MAX_LINE_BYTES` comes as its beginning with whole=False. Raises FileDamage where the file
    is empty, cannot be read, or its gzip data ends early or is broken; the lines before come first.
    """
    number = 0
    try:
        with open_bytes(path) as stream:
            while line := stream.readline(MAX_LINE_BYTES + 1):
                number += 1
                whole = len(line) <= MAX_LINE_BYTES or line.endswith(b"\n")
                if number == 1:
                    line = line.removeprefix(_BOM)
                yield number, line if whole else line[:1000], whole
                if not whole:
                    _skip_line(stream)
    except EOFError:
        raise FileDamage(number + 1, "gzip data to its end", "a file that ends early: fetch it again") from None
    except (zlib.error, gzip.BadGzipFile) as error:
        raise FileDamage(number + 1, "gzip data", f"bytes that are none ({error})") from None
    except OSError as error:
        raise FileDamage(number + 1, "a file that can be read", str(error)) from None
    if number == 0:
        raise FileDamage(None, "rows", "an empty file")


def _skip_line(stream: IO[bytes]) -> None:
    while (rest := stream.readline(_SKIP_BYTES)) and not rest.endswith(b"\n"):
        pass
