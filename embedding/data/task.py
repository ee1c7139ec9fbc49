"""The evaluation task: which users, among which candidates, and which held-out pairs should rank high."""

from collections.abc import Collection

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from embedding.data.pairs import Pairs
from embedding.data.split import SplitPairs
from embedding.errors import RejectedInputError

Rows = NDArray[np.int64]


class Task(Struct, frozen=True):
    """Users to rank for, candidates to rank, and the held-out pairs that should rank high.

    `candidates` (N,): catalogue rows that occur in a positive pair, in the order of their ids, so that nothing depends
    on the order of the catalogue; `users` (Q,): rows of the users with test pairs, ascending; `train`, `test`: pairs,
    the latter without those known from training.
    """

    candidates: Rows
    is_candidate: NDArray[np.bool_]
    users: Rows
    train: Pairs
    test: Pairs

    @classmethod
    def of(cls, pairs: SplitPairs, item_ids: Collection[str]) -> "Task":
        """The task of `pairs` over a catalogue with these ids, row by row; RejectedInputError without a test pair."""
        num_items = len(item_ids)
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
        by_id = sorted((item_id, row) for row, item_id in enumerate(item_ids) if is_candidate[row])
        candidates = np.array([row for _, row in by_id], np.int64)
        return cls(candidates, is_candidate, np.unique(test.users), pairs.train, test)

    def places_of(self, rows: Rows) -> Rows:
        """The place among the candidates of each of `rows` (...), -1 for a row that is none of them."""
        places = np.full(len(self.is_candidate), -1, np.int64)
        places[self.candidates] = np.arange(len(self.candidates))
        return places[rows]


def _keys(pairs: Pairs, num_items: int) -> Rows:
    return pairs.users * num_items + pairs.items
