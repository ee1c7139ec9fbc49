"""Ranking metrics: recall, ndcg, reciprocal rank and average precision at k, of one ranked list per user.

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


def reciprocal_rank_at_k(hits_QK: Hits, k: int) -> Values:
    """One over the rank (from 1) of the first hit (Q,), 0 where none is among the first `k`; its mean is MRR."""
    shown = hits_QK[:, :k]
    return np.asarray(shown.any(axis=1) / (shown.argmax(axis=1) + 1))


def average_precision_at_k(hits_QK: Hits, num_relevant_Q: NDArray[np.int64], k: int) -> Values:
    """Precision at each hit among the first `k`, added up and divided by min(k, relevant) (Q,); its mean is MAP.

    Manning, Raghavan and Schütze, "Introduction to information retrieval", 2008, section 8.4, cut at k.
    """
    shown = hits_QK[:, :k]
    precision = np.cumsum(shown, axis=1) / np.arange(1, shown.shape[1] + 1)
    return np.asarray((precision * shown).sum(axis=1) / np.minimum(num_relevant_Q, k))
