"""Which vector a request searches with: weighted items summed up, or a history through the query tower."""

import numpy as np
from numpy.typing import NDArray

from service.problems import ProblemError
from service.served import ServedRelease

# Below this part of the weights' total, what is left of a sum of float32 unit vectors is rounding.
_CANCELLED = 1e-5


def towards(served: ServedRelease, rows: list[int], weights: list[float]) -> NDArray[np.float32]:
    """Unit vector (dims,) of the weighted sum of these rows' vectors in the release's space.

    Raises a 400 problem when the weights cancel.
    """
    vectors = served.rows.vectors(served.release.space, rows)
    if len(rows) == 1 and weights[0] > 0:
        single: NDArray[np.float32] = vectors[0]
        return single
    factors = np.asarray(weights, dtype=np.float32)
    total: NDArray[np.float32] = factors @ vectors
    length = float(np.linalg.norm(total))
    if length <= _CANCELLED * float(np.abs(factors).sum()):
        raise ProblemError(
            "weights-cancel",
            f"The weighted sum of {len(rows)} items is zero: it points nowhere. "
            "Expected weights that do not cancel; change one, or leave an item out.",
        )
    return total / np.float32(length)


def listener(
    served: ServedRelease, rows: NDArray[np.int64], weights: NDArray[np.float32], at_s: int
) -> NDArray[np.float32]:
    """Unit vector (dims,) for a history (H >= 1, newest last): the query tower's, or without one the weighted sum."""
    if served.tower is None:
        return towards(served, rows.tolist(), weights.tolist())
    history = served.rows.vectors(served.release.space, rows)
    return served.tower.encode(history, weights, at_s)
