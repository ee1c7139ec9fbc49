"""What comes after the whole seconds of `published_at`, by row: a file that most releases do not have."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FRACTIONS = "published_fraction_us"


def load_column(folder: Path, name: str) -> NDArray[np.float64]:
    """(N,) numbers, mapped into memory."""
    return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r"))


def load_fractions(folder: Path) -> NDArray[np.float64] | None:
    """(N,) microseconds, NaN where a row has none; None where no row has any: in whole seconds, or of an old build."""
    try:
        return load_column(folder, FRACTIONS)
    except FileNotFoundError:
        return None


def fractions_of(rows: NDArray[np.integer], fractions: NDArray[np.float64]) -> NDArray[np.int64]:
    """(R,) microseconds of `rows` (R,), 0 where a row has none."""
    us: NDArray[np.int64] = np.nan_to_num(fractions[rows]).astype(np.int64)
    return us
