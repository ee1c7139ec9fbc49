"""Wide vectors by a third of their principal components: what a scan reads first, before it scores the best in full.

SPACE.axes.npy       (dims, dims // 3) float32: orthonormal, the directions in which a sample of the vectors is longest
SPACE.narrow.npy     (N, dims // 3) float32: the vectors' components in them

What the other components add to a score is small, and is looked at for the best alone: the filter-and-refine search
of Seidl and Kriegel, "Optimal multi-step k-nearest neighbor search", SIGMOD 1998, without its guarantee. How much it
finds is measured by the doctor, as of every plan.
"""

from pathlib import Path
from typing import Self

import numpy as np
from msgspec import Struct
from threadpoolctl import threadpool_limits

from embedding.protocols import Vectors
from indexing.payload.npy_file import NpyFile

# Below, a whole scan is as fast: 64-d towers are read at 100,000 rows a millisecond.
_LEAST_DIMS = 192
_LEAST_ROWS = 4_096
_PART = 3
# Of so many rows the directions are worked out: a gram matrix of 384 x 384 needs no more.
_SAMPLE = 16_384
_BATCH = 4_096


class PrincipalComponents(Struct, frozen=True):
    """`axes` (dims, kept), and the components (N, kept) of all vectors in them, as a read-only map."""

    axes: Vectors
    vectors: Vectors

    @classmethod
    def of(cls, folder: Path, space: str) -> Self | None:
        """Those of a named vector in `folder`; None where it has none."""
        axes, vectors = _paths(folder, space)
        if not vectors.is_file():
            return None
        return cls(np.load(axes), np.asarray(np.load(vectors, mmap_mode="r")))


def write_principal_components(folder: Path, space: str) -> None:
    """Write them beside the vectors of `space`, where these are wide and many; the same bytes for the same vectors."""
    wide = np.load(folder / f"{space}.npy", mmap_mode="r")
    num_rows, dims = wide.shape
    if dims < _LEAST_DIMS or num_rows < _LEAST_ROWS:
        return
    of_axes, of_vectors = _paths(folder, space)
    # Threads would add up in another order.
    with threadpool_limits(1):
        axes = _axes(wide, dims // _PART)
        np.save(of_axes, axes)
        file = NpyFile(of_vectors, "<f4", axes.shape[1])
        for start in range(0, num_rows, _BATCH):
            file.append(wide[start : start + _BATCH] @ axes)
        file.close()


def _axes(wide: Vectors, number: int) -> Vectors:
    rows = np.unique(np.linspace(0, len(wide) - 1, num=_SAMPLE).astype(np.int64))
    sample = wide[rows].astype(np.float64)
    # Not about their mean: a score is a product with the whole vector.
    _, directions = np.linalg.eigh(sample.T @ sample)
    return np.ascontiguousarray(directions[:, ::-1][:, :number], dtype=np.float32)


def _paths(folder: Path, space: str) -> tuple[Path, Path]:
    return folder / f"{space}.axes.npy", folder / f"{space}.narrow.npy"
