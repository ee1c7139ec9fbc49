"""Writing without zeros: the engine's files are 32 MiB each and nearly all holes, which copies should keep."""

import os
from typing import BinaryIO

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
