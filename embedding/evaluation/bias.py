"""Bias of a ranking: how much of the catalogue it shows, how evenly, and how popular that is."""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from embedding.data.task import Task
from embedding.evaluation.ranking import Ranked

# As many first places of each list as slices look at.
BIAS_K = 20


class Bias(Struct, frozen=True, kw_only=True):
    """What the first 20 places of all users' lists hold.

    `coverage`: share of the candidates that are in one of them; `gini`: how unevenly places fall to the candidates, 0
    where each has as many, near 1 where one has all; `popularity`: mean over places of the share of candidates with
    fewer training pairs (.5 is what chance gives); `popularity_overlap`: mean share of a user's 20 that the popularity
    baseline shows to the same user; `cold`: share of places with an item that has no training pair.
    """

    coverage: float
    gini: float
    popularity: float
    popularity_overlap: float
    cold: float


def bias_of(ranked: Ranked, popular: Ranked, task: Task) -> Bias:
    """The bias of `ranked`, beside `popular`: the lists of the popularity baseline for the same task."""
    top = ranked.top[:, :BIAS_K]
    shown = top[top >= 0]
    exposure = np.bincount(shown, minlength=len(task.candidates))
    counts = np.bincount(task.train.items[task.train.positive], minlength=len(task.is_candidate))[task.candidates]
    order = np.sort(counts)
    # Of equals, half count as below: chance then gives one half whatever the counts.
    below = (np.searchsorted(order, counts, "left") + np.searchsorted(order, counts, "right")) / (2 * len(counts))
    return Bias(
        coverage=float((exposure > 0).mean()),
        gini=gini(exposure),
        popularity=float(below[shown].mean()),
        popularity_overlap=_overlap(top, popular.top[:, :BIAS_K]),
        cold=float((counts[shown] == 0).mean()),
    )


def gini(counts: NDArray[np.int64]) -> float:
    """Gini's coefficient of `counts` (N,), one or more of them above zero: the mean difference over twice the mean."""
    ordered = np.sort(counts)
    places = np.arange(1, len(ordered) + 1)
    return float(2 * (places @ ordered) / (len(ordered) * ordered.sum()) - (len(ordered) + 1) / len(ordered))


def _overlap(top: NDArray[np.int32], popular: NDArray[np.int32]) -> float:
    """Mean over users of the share of `top` (Q, K) that is in `popular` (Q, K); -1 stands for no item."""
    common = ((top[:, :, None] == popular[:, None, :]) & (top[:, :, None] >= 0)).any(axis=2).sum(axis=1)
    return float((common / np.maximum((top >= 0).sum(axis=1), 1)).mean())
