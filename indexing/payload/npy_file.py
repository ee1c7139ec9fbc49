"""A `.npy` file that is appended to while its length is not known yet."""

from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray


class NpyFile:
    """Rows of one type (`<u4`, `<f4`) and one shape; (): numbers."""

    def __init__(self, path: Path, kind: str, *row_shape: int) -> None:
        self._path, self._kind, self._row_shape, self._rows = path, kind, row_shape, 0
        self._file: BinaryIO = path.open("wb")
        self._write_header()
        self._start = self._file.tell()

    def _write_header(self) -> None:
        # numpy pads the header, so that a larger row count fits in the same number of bytes.
        header = {"descr": self._kind, "fortran_order": False, "shape": (self._rows, *self._row_shape)}
        np.lib.format.write_array_header_1_0(self._file, header)

    def append(self, rows: NDArray[Any]) -> None:
        """Add rows (n, *row_shape)."""
        if rows.shape[1:] != self._row_shape:
            raise ValueError(f"expected rows of shape {self._row_shape}, got an array of shape {rows.shape}")
        self._file.write(np.ascontiguousarray(rows, dtype=self._kind).tobytes())
        self._rows += len(rows)

    def close(self) -> None:
        """Write the final row count into the header and close the file."""
        self._file.seek(0)
        self._write_header()
        if self._file.tell() != self._start:
            raise ValueError(f"{self._path}: the header of {self._rows} rows does not fit in the place left for it")
        self._file.close()
