"""How good a ranking is: recall and ndcg at k of one ranked list per user.

Shapes: Q users, K ranks.
"""

import numpy as np
from numpy.typing import NDArray

Hits = NDArray[np.bool_]
Values = NDArray[np.float64]


def recall_at_k(hits_QK: Hits, num_relevant_Q: NDArray[np.int64], k: int) -> Values:
    """Share (Q,) of each user's relevant items that are among the first `k`; each user has one or more."""
    return np.asarray(hits_QK[:, :k].sum(axis=1) / num_relevant_Q)


def ndcg_at_k(hits_QK: Hits, num_relevant_Q: NDArray[np.int64], k: int) -> Values:
    """Discounted gain (Q,) of the first `k` over that of an ideal list.

    A hit at rank r (from 1) gains 1 / log2(r + 1); the ideal list has min(k, relevant) hits in front. Järvelin and
    Kekäläinen, "Cumulated gain-based evaluation of IR techniques", TOIS 2002, with binary relevance.
    """
    shown = hits_QK[:, :k]
    ideal = np.cumsum(1 / np.log2(np.arange(2, k + 2)))
    gains = shown @ (1 / np.log2(np.arange(2, shown.shape[1] + 2)))
    return np.asarray(gains / ideal[np.minimum(num_relevant_Q, k) - 1])
