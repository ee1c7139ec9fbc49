"""The evaluation task: which users, among which candidates, and which held-out pairs should rank high."""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from embedding.data.pairs import Pairs
from embedding.data.split import SplitPairs
from embedding.errors import RejectedInputError

Rows = NDArray[np.int64]


class Task(Struct, frozen=True):
    """Users to rank for, candidates to rank, and the held-out pairs that should rank high.

    `candidates` (N,): catalogue rows that occur in a positive pair, ascending; `users` (Q,): rows of the users with
    test pairs, ascending; `train`, `test`: pairs, the latter without those known from training.
    """

    candidates: Rows
    is_candidate: NDArray[np.bool_]
    users: Rows
    train: Pairs
    test: Pairs

    @classmethod
    def of(cls, pairs: SplitPairs, num_items: int) -> "Task":
        """The task of `pairs` over a catalogue of `num_items` rows; RejectedInputError without a test pair."""
        known = _keys(pairs.train, num_items)
        test = pairs.test.where(~np.isin(_keys(pairs.test, num_items), known))
        if not len(test):
            raise RejectedInputError(
                "There is no held-out pair to evaluate on. The common split needs users with five pairs or more; "
                "with --test, pairs with a positive weight that are not among the interactions."
            )
        is_candidate = np.zeros(num_items, np.bool_)
        is_candidate[pairs.train.items[pairs.train.positive]] = True
        is_candidate[test.items] = True
        return cls(np.flatnonzero(is_candidate), is_candidate, np.unique(test.users), pairs.train, test)


def _keys(pairs: Pairs, num_items: int) -> Rows:
    return pairs.users * num_items + pairs.items
