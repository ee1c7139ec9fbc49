"""Writing without zeros: the engine's files are 32 MiB each and nearly all holes, which copies should keep."""

import os
from pathlib import Path
from typing import BinaryIO

from embedding.progress import Advance

_CHUNK_BYTES = 1 << 20
_BLOCK_BYTES = 1 << 16
_ZEROS = bytes(_BLOCK_BYTES)


def write_with_holes(file: BinaryIO, data: bytes) -> None:
    """Write `data` at the file's position, passing over blocks of zeros where nothing was written yet.

    Whoever ends the file truncates it to its position: holes at the end do not make it longer.
    """
    for start in range(0, len(data), _BLOCK_BYTES):
        block = data[start : start + _BLOCK_BYTES]
        if block == _ZEROS[: len(block)]:
            file.seek(len(block), os.SEEK_CUR)
        else:
            file.write(block)


def copy_with_holes(source: Path, file: BinaryIO, advance: Advance) -> None:
    """Write the bytes of `source` to an empty file, which ends with them; `advance` is told of bytes."""
    with source.open("rb") as read:
        while data := read.read(_CHUNK_BYTES):
            write_with_holes(file, data)
            advance(len(data))
    file.truncate(file.tell())
