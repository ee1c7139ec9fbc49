"""Slices and intervals against figures worked by hand."""

import msgspec
import numpy as np
import pytest

from embedding.data.split import SplitPairs
from embedding.data.task import Task
from embedding.evaluation.item_attributes import ItemAttributes
from embedding.evaluation.ranking import rank
from embedding.evaluation.scorer import Scores
from embedding.evaluation.slices import Slice, interval, slice_masks, slices
from embedding.progress import Reporter
from tests.embedding.evaluation.tasks import item_ids, pairs_of


class Fixed:
    """Ranks the later item of 60 higher for everybody."""

    def scores(self, first: int, last: int) -> Scores:
        return np.tile(np.arange(60, dtype=np.float32), (last - first, 1))


def test_interval_is_the_mean_and_1_96_standard_errors() -> None:
    low, high = interval(np.array([0.0, 0.0, 1.0, 1.0]))

    assert (low, high) == pytest.approx((0.5 - 1.96 * 0.288675, 0.5 + 1.96 * 0.288675), abs=1e-5)
    assert interval(np.array([0.3])) == (-np.inf, np.inf)


def test_slices_count_users_and_pairs_and_say_what_was_found() -> None:
    liked, test = np.zeros((7, 60)), np.zeros((7, 60))
    liked[:6, 10] = 1
    liked[0, :10] = 1
    liked[6, 20] = 1
    # User 0 (eleven training pairs) has the highest ranked item, never heard, and a low one heard once, 20.
    test[0, [59, 20]] = 1
    # User 1 (one training pair) has one that is found and one that is not, both never heard.
    test[1, [58, 30]] = 1
    # A candidate is what occurs: the rest are held out for user 5.
    test[5, 11:] = 1
    task = Task.of(SplitPairs(pairs_of(liked), pairs_of(test)), item_ids(60))

    ranked = rank(Fixed(), task, Reporter("none"), "fixed")
    facts = ItemAttributes(np.zeros(60, np.uint8), ("unknown",), np.zeros(60, np.int64), np.full(60, np.nan))
    found = slices(ranked, task, slice_masks(task, facts))

    assert set(found) - {"kind track", "language unknown"} == {
        "items with 0 training pairs",
        "items with 1 to 4 training pairs",
        "users with 1 to 4 training pairs",
        "users with 5 to 19 training pairs",
    }
    once = found["items with 1 to 4 training pairs"]
    assert (once.users, once.pairs, once.recall) == (2, 2, 0.0)
    many = found["users with 5 to 19 training pairs"]
    assert many == Slice(users=1, pairs=2, recall=0.5, low=-np.inf, high=np.inf)
    never = found["items with 0 training pairs"]
    assert never.recall == pytest.approx((1 + 0.5 + 20 / 48) / 3)
    of_pairs = ranked.ranks[task.test.users == 0]
    assert sorted(of_pairs.tolist()) == [0, 39]


def test_slices_by_kind_language_and_age_hold_the_pairs_they_name() -> None:
    liked, test = np.zeros((2, 60)), np.zeros((2, 60))
    liked[:, 0] = 1
    test[0, :40] = test[1, 40:] = 1
    test[:, 0] = 0
    timeless = [
        msgspec.structs.replace(pairs, at_s=np.full(len(pairs), np.nan)) for pairs in map(pairs_of, (liked, test))
    ]
    task = Task.of(SplitPairs(*timeless), item_ids(60))
    day_s = 86_400.0
    published_s = np.full(60, np.nan)
    # Counted from the newest of them, as no pair has a time: 0, 10, ... 500 days.
    published_s[1:52] = 1e9 - 10 * day_s * np.arange(51)
    names = ("unknown", *(f"l{place}" for place in range(7)))
    facts = ItemAttributes((np.arange(60) % 2).astype(np.uint8), names, np.minimum(np.arange(60) % 10, 7), published_s)

    parts = slice_masks(task, facts)
    sizes = {label: int(mask.sum()) for label, mask in parts.items()}

    assert (sizes["kind track"], sizes["kind episode"]) == (29, 30)
    # Places 7, 8 and 9 share the last language: three in ten of 60 rows; the others have six rows, row 0 is no pair.
    assert sizes["language l6"] == 18
    assert [label for label in sizes if label.startswith("language")] == [f"language l{n}" for n in (6, 0, 1, 2, 3)]
    assert sizes["other languages"] == 59 - 18 - 4 * 6
    assert sizes["items out for up to a month"] == 4
    assert sizes["items out for up to a year"] == 33
    assert sizes["items out for up to five years"] == 14
    assert "items out for longer" not in sizes
    assert sizes["items out at an unknown time"] == 8
