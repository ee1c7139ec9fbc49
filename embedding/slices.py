"""Which parts of an evaluation are reported apart, and how sure a mean over users is."""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from embedding.evaluation import Ranked, Task
from embedding.metrics import Values

Mask = NDArray[np.bool_]
# recall@20 is what slices are compared by.
SLICE_K = 20
# Standard errors on either side of a mean that hold it in 95 of 100 samples.
_NORMAL_95 = 1.96
# Training pairs of an item, and of a user, at which a slice begins.
_BOUNDS = (0, 1, 5, 20, 100)


class Slice(Struct, frozen=True, kw_only=True):
    """recall@20 over a part of the held-out pairs: mean over the users who have any there, and its 95 % interval."""

    users: int
    pairs: int
    recall: float
    low: float
    high: float


def intervals(by_user: Mapping[str, Values]) -> dict[str, tuple[float, float]]:
    """The 95 % interval of each metric's mean over users."""
    return {key: interval(values) for key, values in by_user.items()}


def interval(values: Values) -> tuple[float, float]:
    """Mean of `values` (Q,) plus and minus 1.96 standard errors; without end for fewer than two users.

    It says how far another draw of users like these would move the mean, not another seed.
    """
    if len(values) < 2:
        return -np.inf, np.inf
    half = _NORMAL_95 * float(values.std(ddof=1)) / float(np.sqrt(len(values)))
    return float(values.mean()) - half, float(values.mean()) + half


def slices(ranked: Ranked, task: Task) -> dict[str, Slice]:
    """recall@20 by how often an item and a user occur in training; a slice without a held-out pair is left out."""
    liked = task.train.where(task.train.positive)
    of_item = np.bincount(liked.items, minlength=len(task.is_candidate))[task.test.items]
    num_users = int(max(task.test.users.max(), liked.users.max(initial=0))) + 1
    of_user = np.bincount(liked.users, minlength=num_users)[task.test.users]
    found = ranked.ranks < SLICE_K
    users = np.searchsorted(task.users, task.test.users)
    parts = {f"items with {label} training pairs": mask for label, mask in _bands(of_item)}
    parts |= {f"users with {label} training pairs": mask for label, mask in _bands(of_user)}
    return {label: _slice(found[mask], users[mask]) for label, mask in parts.items() if mask.any()}


def _bands(counts: NDArray[np.int64]) -> list[tuple[str, Mask]]:
    bands = []
    for first, end in zip(_BOUNDS, (*_BOUNDS[1:], None), strict=True):
        label = f"{first} or more" if end is None else f"{first}" if end == first + 1 else f"{first} to {end - 1}"
        bands.append((label, (counts >= first) & (True if end is None else counts < end)))
    return bands


def _slice(found: Mask, users: NDArray[np.int64]) -> Slice:
    which, of_pair, lengths = np.unique(users, return_inverse=True, return_counts=True)
    values = np.bincount(of_pair, found, len(which)) / lengths
    low, high = interval(values)
    return Slice(users=len(which), pairs=len(found), recall=float(values.mean()), low=low, high=high)
