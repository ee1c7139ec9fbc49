"""Train/test splits: the common one by hash, one in time, or none."""

from typing import Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from embedding.data.pairs import Pairs
from embedding.errors import RejectedInputError

SplitName = Literal["common", "time", "none"]
# One pair in five, and only of users with five or more.
_MIN_PAIRS = 5
# Share of the pairs, the newest, that a split in time holds out.
_TEST_SHARE = 0.2


class Split(Struct, frozen=True, kw_only=True):
    """How pairs were split; `cut_s`: for a split in time, the first epoch second of the test pairs."""

    name: SplitName
    cut_s: float | None = None


class SplitPairs(Struct, frozen=True):
    """Training pairs, skips among them, and positive pairs to test on."""

    train: Pairs
    test: Pairs


def choose_split(pairs: Pairs, name: SplitName) -> Split:
    """The split called `name` for these pairs.

    Raises RejectedInputError for a split in time where some pairs have no time.
    """
    if name != "time":
        return Split(name=name)
    timeless = int(np.isnan(pairs.at_s).sum())
    if timeless:
        raise RejectedInputError(
            f"--split time needs `at` on every interaction; {timeless} of {len(pairs)} pairs have none. "
            "Add the times, or use --split common."
        )
    return Split(name="time", cut_s=float(np.quantile(pairs.at_s, 1 - _TEST_SHARE, method="lower")))


def split_pairs(pairs: Pairs, split: Split) -> SplitPairs:
    """Training and test pairs of `pairs` under `split`; a skip is never a test pair.

    Common: a positive pair is held out when its hash modulo five is zero and its user has five positive pairs or more.
    Time: a positive pair is held out when it was first seen at `cut_s` or later; a skip from then on is dropped.
    Raises RejectedInputError when no pair is left to train on.
    """
    train, test = _masks(pairs, split)
    if not (train & pairs.positive).any():
        raise RejectedInputError(
            f"The split {split.name!r} leaves no positive pair to train on, of {int(pairs.positive.sum())}. "
            "Check that interactions with a positive weight name items of the catalogue."
        )
    return SplitPairs(pairs.where(train), pairs.where(test))


def validation_split(train: Pairs) -> SplitPairs:
    """The training pairs split once more, for validation, so that the test pairs stay unseen.

    The same share as in the common split, by the next digit of the same hash in base five.
    """
    held_out = train.positive & (train.next_folds == 0) & _of_frequent_users(train)
    return SplitPairs(train.where(~held_out), train.where(held_out))


def _masks(pairs: Pairs, split: Split) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    if split.name == "common":
        test = pairs.positive & (pairs.folds == 0) & _of_frequent_users(pairs)
        return ~test, test
    if split.cut_s is not None:
        later = pairs.at_s >= split.cut_s
        return ~later, later & pairs.positive
    return np.ones(len(pairs), np.bool_), np.zeros(len(pairs), np.bool_)


def _of_frequent_users(pairs: Pairs) -> NDArray[np.bool_]:
    counts = np.bincount(pairs.users[pairs.positive], minlength=int(pairs.users.max(initial=-1)) + 1)
    return np.asarray(counts[pairs.users] >= _MIN_PAIRS)
