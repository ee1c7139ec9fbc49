"""The sum of a pair's weights: one reading of "likes and skips cancel", in training and in a release."""

import numpy as np
from numpy.typing import NDArray

# A weight as typed is half of this off its decimal at most, relative to its size, and so is each addition.
_EPSILON = float(np.finfo(np.float64).eps)


def summed_weights(pair_of_row: NDArray[np.int64], weights: NDArray[np.float64], num_pairs: int) -> NDArray[np.float32]:
    """The sum (P,) of each pair's `weights` (R,), row r being of the pair `pair_of_row[r]`, whatever their order.

    Exactly 0 where the sum is no more than what rounding alone can leave of weights that cancel: .1, .2 and -.3 do.
    That is rows times 2^-52 times the sum of the sizes (Higham, "Accuracy and stability of numerical algorithms", 2002,
    section 4.2).
    """
    # Floating-point sums depend on the order of their terms.
    order = np.lexsort((weights, pair_of_row))
    pairs, ordered = pair_of_row[order], weights[order]
    sums = np.bincount(pairs, ordered, num_pairs)
    rounding = np.bincount(pairs, minlength=num_pairs) * _EPSILON * np.bincount(pairs, np.abs(ordered), num_pairs)
    sums[np.abs(sums) <= rounding] = 0.0
    return sums.astype(np.float32)
