"""How good one ranked list is, and how sure a mean over questions: recall, reciprocal rank, graded gain, intervals."""

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

NUM_LOOKED_AT = 10
"""How many hits of each list count."""
MEASURES = (f"recall@{NUM_LOOKED_AT}", f"mrr@{NUM_LOOKED_AT}", f"ndcg@{NUM_LOOKED_AT}")
_RESAMPLES, _SEED = 2_000, 0
_OUTER_95 = (2.5, 97.5)


class Interval(Struct, frozen=True):
    """A mean over questions, and between what bounds it lies in 95 of 100 draws of as many questions."""

    mean: float
    low: float
    high: float


def measures_of(ids: Sequence[str], grades: Mapping[str, float]) -> tuple[float, float, float]:
    """Recall, reciprocal rank and normalised discounted gain of the first ten of `ids`; `grades` are above 0.

    Recall: the wanted ids among them, of those there are, ten at most. Reciprocal rank: 1 / the rank of the first
    wanted one, 0 without. Gain: grade / log2(rank + 1), over that of the best list there is (Järvelin & Kekäläinen,
    "Cumulated gain-based evaluation of IR techniques", TOIS 2002, with the discount of Burges et al., ICML 2005).
    """
    looked_at = ids[:NUM_LOOKED_AT]
    gains = np.array([grades.get(id, 0.0) for id in looked_at])
    ranks = np.flatnonzero(gains)
    best = sorted(grades.values(), reverse=True)[:NUM_LOOKED_AT]
    return (
        len(ranks) / len(best),
        float(1 / (ranks[0] + 1)) if len(ranks) else 0.0,
        _discounted(gains) / _discounted(np.array(best)),
    )


def _discounted(gains: NDArray[np.float64]) -> float:
    return float(gains @ (1 / np.log2(np.arange(2, len(gains) + 2))))


def interval_of(values: NDArray[np.float64]) -> Interval:
    """The mean of `values` (Q,), with bounds by the percentile bootstrap (Efron & Tibshirani 1993, chapter 13)."""
    draws = np.random.default_rng(_SEED).integers(0, len(values), (_RESAMPLES, len(values)))
    low, high = np.percentile(values[draws].mean(axis=1), _OUTER_95)
    return Interval(float(values.mean()), float(low), float(high))
