"""Train/test splits: the common one by hash, one in time, or none."""

from typing import Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from embedding.data.pairs import Pairs, PairsBuilder
from embedding.errors import RejectedInputError
from embedding.rows.times import rfc3339

SplitName = Literal["common", "time", "none"]
# One pair in five, and only of users with five or more.
_MIN_PAIRS = 5
# Share of the pairs, the newest, that a split in time holds out.
_TEST_SHARE = 0.2


class Split(Struct, frozen=True, kw_only=True):
    """How pairs were split; `cut_s`: for a split in time, the epoch second from which on rows are not trained on."""

    name: SplitName
    cut_s: float | None = None


class SplitPairs(Struct, frozen=True):
    """Training pairs, skips among them, and positive pairs to test on."""

    train: Pairs
    test: Pairs


def choose_split(pairs: Pairs, rows: PairsBuilder, name: SplitName) -> Split:
    """The split called `name` for `pairs`, which `rows` make; in time, it cuts off as near a fifth as ties allow.

    Raises RejectedInputError for a split in time where some rows have no time.
    """
    if name != "time":
        return Split(name=name)
    if rows.num_timeless:
        raise RejectedInputError(
            f"--split time needs `at` on every interaction; {rows.num_timeless:,} of {len(rows):,} rows have none. "
            "Add the times, or use --split common."
        )
    return Split(name="time", cut_s=_cut(pairs.at_s))


def split_pairs(pairs: Pairs, rows: PairsBuilder, split: Split) -> SplitPairs:
    """Training and test pairs of `pairs`, which `rows` make, under `split`; a skip is never a test pair.

    Common: a positive pair is held out when its hash modulo five is zero and its user has five positive pairs or more.
    Time: a positive pair is held out when it was first seen at `cut_s` or later; trained on are the pairs of the rows
    before, whatever came to them later. Raises RejectedInputError when no pair is left to train on.
    """
    parts = _parts(pairs, rows, split)
    if not parts.train.positive.any():
        raise RejectedInputError(
            f"The split {split.name!r} leaves no positive pair to train on, of {int(pairs.positive.sum())}. "
            "Check that interactions with a positive weight name items of the catalogue"
            + (", and that they are not all of one time." if split.name == "time" else ".")
        )
    return parts


def described_cut(pairs: Pairs, split: Split) -> str | None:
    """For a split in time, where it cuts and how much is held out, in a sentence for people; None for another."""
    if split.cut_s is None:
        return None
    later = int((pairs.at_s >= split.cut_s).sum())
    said = (
        f"Split in time at {rfc3339(split.cut_s)}: {later:,} of {len(pairs):,} pairs ({later / len(pairs):.1%}) were "
        "first seen from then on."
    )
    if abs(later - _TEST_SHARE * len(pairs)) < 1:
        return said
    return f"{said} It is as near to a fifth as can be: pairs of one time are not parted."


def validation_split(train: Pairs) -> SplitPairs:
    """The training pairs split once more, for validation, so that the test pairs stay unseen.

    The same share as in the common split, by the next digit of the same hash in base five.
    """
    held_out = train.positive & (train.next_folds == 0) & _of_frequent_users(train)
    return SplitPairs(train.where(~held_out), train.where(held_out))


def _parts(pairs: Pairs, rows: PairsBuilder, split: Split) -> SplitPairs:
    if split.cut_s is not None:
        test = pairs.where((pairs.at_s >= split.cut_s) & pairs.positive)
        return SplitPairs(rows.finish(before_s=split.cut_s), test)
    held_out = np.zeros(len(pairs), np.bool_)
    if split.name == "common":
        held_out = pairs.positive & (pairs.folds == 0) & _of_frequent_users(pairs)
    return SplitPairs(pairs.where(~held_out), pairs.where(held_out))


def _cut(at_s: NDArray[np.float64]) -> float:
    """The time from which on as near a fifth of the pairs (P,) lie as ties allow; never the first, if there are two."""
    times, counts = np.unique(at_s, return_counts=True)
    if not len(times):
        return 0.0
    from_then_on = np.cumsum(counts[::-1])[::-1]
    off = np.abs(from_then_on - _TEST_SHARE * len(at_s))
    later = slice(1 if len(times) > 1 else 0, None)
    return float(times[later][np.argmin(off[later])])


def _of_frequent_users(pairs: Pairs) -> NDArray[np.bool_]:
    counts = np.bincount(pairs.users[pairs.positive], minlength=int(pairs.users.max(initial=-1)) + 1)
    return np.asarray(counts[pairs.users] >= _MIN_PAIRS)
