"""Slices of an evaluation's held-out pairs, and confidence intervals of means over users."""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from embedding.data.task import Task
from embedding.evaluation.item_attributes import ItemAttributes
from embedding.evaluation.metrics import Values
from embedding.evaluation.ranking import Ranked
from embedding.towers.history import DAY_S
from embedding.training.dataset import KINDS

Mask = NDArray[np.bool_]
# Slices are compared by recall@20.
SLICE_K = 20
# Standard errors on either side of a mean that hold it in 95 of 100 samples.
_NORMAL_95 = 1.96
# Training pairs of an item, and of a user, at which a slice begins.
_BOUNDS = (0, 1, 5, 20, 100)
# Days since an item came out at which a slice ends.
_AGES = {"a month": 31, "a year": 366, "five years": 1_827}
# Languages with a slice of their own; the rest share one.
_LANGUAGES = 5


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
    """Mean of `values` (Q,) plus and minus 1.96 standard errors; infinite for fewer than two users.

    It says how far another draw of users like these would move the mean, not another seed.
    """
    if len(values) < 2:
        return -np.inf, np.inf
    half = _NORMAL_95 * float(values.std(ddof=1)) / float(np.sqrt(len(values)))
    return float(values.mean()) - half, float(values.mean()) + half


def slice_masks(task: Task, attributes: ItemAttributes) -> dict[str, Mask]:
    """A mask over the held-out pairs (T,) for each slice: by training pairs of item and user, kind, language and age.

    An item's age is counted back from the newest pair that has a time, or from the newest item where none has.
    """
    liked = task.train.where(task.train.positive)
    items = task.test.items
    of_item = np.bincount(liked.items, minlength=len(task.is_candidate))[items]
    num_users = int(max(task.test.users.max(), liked.users.max(initial=0))) + 1
    of_user = np.bincount(liked.users, minlength=num_users)[task.test.users]
    parts = {f"items with {label} training pairs": mask for label, mask in _bands(of_item)}
    parts |= {f"users with {label} training pairs": mask for label, mask in _bands(of_user)}
    parts |= {f"kind {kind}": attributes.kinds[items] == place for place, kind in enumerate(KINDS)}
    parts |= _by_language(attributes.language_of[items], attributes.languages)
    parts |= _by_age(attributes.published_s[items], np.concatenate((task.train.at_s, task.test.at_s)))
    return {label: mask for label, mask in parts.items() if mask.any()}


def slices(ranked: Ranked, task: Task, parts: Mapping[str, Mask]) -> dict[str, Slice]:
    """recall@20 over each of `parts`, which have a held-out pair or more."""
    found = ranked.ranks < SLICE_K
    users = np.searchsorted(task.users, task.test.users)
    return {label: _slice(found[mask], users[mask]) for label, mask in parts.items()}


def _by_language(language_of_pair: NDArray[np.int64], names: tuple[str, ...]) -> dict[str, Mask]:
    counts = np.bincount(language_of_pair, minlength=len(names))
    # Ties are broken by name, so that the order of the catalogue's rows does not matter.
    first = sorted(range(len(names)), key=lambda place: (-counts[place], names[place]))[:_LANGUAGES]
    parts = {f"language {names[place]}": language_of_pair == place for place in first}
    return parts | {"other languages": ~np.isin(language_of_pair, first)}


def _by_age(published_s: NDArray[np.float64], at_s: NDArray[np.float64]) -> dict[str, Mask]:
    known = ~np.isnan(published_s)
    if not known.any():
        return {}
    newest_s = np.nanmax(at_s) if not np.isnan(at_s).all() else np.nanmax(published_s)
    days = (newest_s - published_s) / DAY_S
    parts, after = {}, -np.inf
    for label, until in _AGES.items():
        parts[f"items out for up to {label}"] = known & (days > after) & (days <= until)
        after = until
    return parts | {"items out for longer": known & (days > after), "items out at an unknown time": ~known}


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
