"""Lines of a row file, plain, gzip or zstd: up to a longest length, with damage reported by line."""

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal, Protocol

import pyarrow as pa  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# The longest text (2,000,000 characters) with every character written as a pair of JSON escapes is 24 MB.
MAX_LINE_BYTES = 32 * 2**20
_BUFFER_BYTES = 2**18
_SKIP_BYTES = 2**20
# What is unpacked of zstd data at once: so much may be lost before the place where the data is damaged.
_ZSTD_BYTES = 2**14
_PACKINGS: dict[str, Literal["gzip", "zstd"]] = {".gz": "gzip", ".zst": "zstd"}
_BOM = b"\xef\xbb\xbf"
_UTF_16_BOMS = (b"\xff\xfe", b"\xfe\xff")


class FileDamage(Exception):
    """A file cannot be read, or not to its end: the line after the last good one, what was expected, what came."""

    def __init__(self, line: int | None, expected: str, came: str) -> None:
        super().__init__(f"expected {expected}, came {came}")
        self.line = line
        self.expected = expected
        self.came = came


class _BadZstdError(Exception):
    """Bytes that are no zstd data, in Arrow's words."""


class _Packed(Protocol):
    """A packed file that gives its bytes as soon as they are unpacked."""

    def read1(self, size: int, /) -> bytes:
        """At most `size` bytes, none at the end; EOFError where the data ends early."""

    def close(self) -> None:
        """Close the file."""


class _Zstd:
    """A zstd file of any number of frames, unpacked by Arrow, which is here for Parquet and reports an early end."""

    def __init__(self, path: Path) -> None:
        self._stream = pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")

    def read1(self, size: int, /) -> bytes:
        """As `_Packed`."""
        try:
            part: bytes = self._stream.read(min(size, _ZSTD_BYTES))
        except OSError as error:
            # A disk that fails has a number, Arrow's words for bad data have none.
            if error.errno is not None:
                raise
            if "Truncated" in str(error):
                raise EOFError from None
            raise _BadZstdError(str(error)) from None
        return part

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


class _Unpacked(io.RawIOBase):
    """The bytes in a packed file, each as soon as it is there.

    A buffered reader over GzipFile itself fills its buffer or fails: what came before the damage would be lost.
    """

    def __init__(self, packed: _Packed) -> None:
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
    """The bytes of `path`, unpacked where its name ends in .gz or .zst."""
    packing = _packing(path)
    if packing is not None:
        packed: _Packed = gzip.GzipFile(path, "rb") if packing == "gzip" else _Zstd(path)
        # GzipFile's own readline is Python; a buffered reader's is not.
        return io.BufferedReader(_Unpacked(packed), _BUFFER_BYTES)
    return path.open("rb", buffering=_BUFFER_BYTES)


def read_lines(path: Path) -> Iterator[tuple[int, bytes, bool]]:
    """Lines of `path` as (number from 1, bytes with the line end, whole).

    A line longer than `MAX_LINE_BYTES` comes as its beginning with whole=False. Raises FileDamage where the file
    is empty, cannot be read, is UTF-16, or its gzip or zstd data ends early or is broken; the lines before come first.
    """
    number = 0
    try:
        with open_bytes(path) as stream:
            while line := stream.readline(MAX_LINE_BYTES + 1):
                number += 1
                whole = len(line) <= MAX_LINE_BYTES or line.endswith(b"\n")
                if number == 1:
                    _check_encoding(line)
                    line = line.removeprefix(_BOM)
                yield number, line if whole else line[:1000], whole
                if not whole:
                    _skip_line(stream)
    except EOFError:
        expected = f"{_packing(path)} data to its end"
        raise FileDamage(number + 1, expected, "a file that ends early: fetch it again") from None
    except (zlib.error, gzip.BadGzipFile, _BadZstdError) as error:
        raise FileDamage(number + 1, f"{_packing(path)} data", f"bytes that are none ({error})") from None
    except OSError as error:
        raise FileDamage(number + 1, "a file that can be read", str(error)) from None
    if number == 0:
        raise FileDamage(None, "rows", "an empty file")


def _check_encoding(first_line: bytes) -> None:
    # Without a byte order mark, too: what begins a header or an object is ASCII, with zeros between in UTF-16.
    zeros = [first_line[place:4:2] == b"\0\0" for place in (0, 1)]
    if first_line.startswith(_UTF_16_BOMS) or zeros[0] != zeros[1]:
        raise FileDamage(1, "UTF-8 text", "UTF-16 (Excel's `Unicode text`): save it as UTF-8")


def _packing(path: Path) -> Literal["gzip", "zstd"] | None:
    return _PACKINGS.get(path.suffix.lower())


def _skip_line(stream: IO[bytes]) -> None:
    while (rest := stream.readline(_SKIP_BYTES)) and not rest.endswith(b"\n"):
        pass
