"""Full ranking: every candidate ranked for every user of a task, except those that the user trained with.

Ties count against: of equal scores, held-out items stand last, the others in the order of their ids. So the order of a
catalogue file decides nothing, and a scorer that tells nothing apart finds nothing.

Shapes: Q users, N candidates, K ranks.
"""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from embedding.data.pairs import Pairs
from embedding.data.task import Task
from embedding.evaluation.metrics import Values, average_precision_at_k, ndcg_at_k, recall_at_k, reciprocal_rank_at_k
from embedding.evaluation.scorer import Scorer, Scores
from embedding.progress import Reporter

KS = (10, 20, 50, 100)
# Scores held at once: 64 MiB of float32.
_MAX_SCORES = 1 << 24

Rows = NDArray[np.int64]


class Ranked(Struct, frozen=True):
    """The ranking of all candidates for each user of a task, ties counting against.

    `hits` (Q, K): whether the candidate at each rank is held out;
    `num_relevant` (Q,): held-out pairs of each user; `ranks` (T,): rank from 0 of each test pair, K where it is lower;
    `top` (Q, K): place of the candidate at each rank, -1 where only items that the user trained with are left.
    """

    hits: NDArray[np.bool_]
    num_relevant: Rows
    ranks: Rows
    top: NDArray[np.int32]

    def by_user(self) -> dict[str, Values]:
        """`recall@k`, `ndcg@k`, `mrr@k` and `map@k` (Q,) for each k of KS."""
        values = {f"recall@{k}": recall_at_k(self.hits, self.num_relevant, k) for k in KS}
        values |= {f"ndcg@{k}": ndcg_at_k(self.hits, self.num_relevant, k) for k in KS}
        values |= {f"mrr@{k}": reciprocal_rank_at_k(self.hits, k) for k in KS}
        return values | {f"map@{k}": average_precision_at_k(self.hits, self.num_relevant, k) for k in KS}


def evaluate(scorer: Scorer, task: Task, reporter: Reporter, name: str) -> dict[str, float]:
    """Means over the task's users of each metric, for each k of KS."""
    return {key: float(values.mean()) for key, values in rank(scorer, task, reporter, name).by_user().items()}


def rank(scorer: Scorer, task: Task, reporter: Reporter, name: str) -> Ranked:
    """Rank all candidates for every user of `task`, except those that the user trained with."""
    num_users, depth = len(task.users), min(max(KS), len(task.candidates))
    seen, relevant = _by_user(task.train, task), _by_user(task.test, task)
    hits = np.zeros((num_users, depth), np.bool_)
    ranks, tops = np.empty(len(task.test), np.int64), np.empty((num_users, depth), np.int32)
    step = max(1, _MAX_SCORES // len(task.candidates))
    with reporter.stage(f"rank for users, {name}", num_users) as advance:
        for first in range(0, num_users, step):
            last = min(first + step, num_users)
            scores = scorer.scores(first, last)
            scores[seen.entries(first, last)] = -np.inf
            held_out = np.zeros(scores.shape, np.bool_)
            held_out[relevant.entries(first, last)] = True
            top = top_k(scores, held_out, depth)
            tops[first:last] = np.where(np.take_along_axis(scores, top, axis=1) > -np.inf, top, -1)
            rank_of = np.full(scores.shape, depth, np.int64)
            np.put_along_axis(rank_of, top, np.arange(depth)[None], axis=1)
            own = slice(relevant.offsets[first], relevant.offsets[last])
            rows, places = relevant.entries(first, last)
            found = rank_of[rows, places]
            ranks[relevant.pairs[own]] = found
            hits[first + rows[found < depth], found[found < depth]] = True
            advance(last - first)
    return Ranked(hits, np.diff(relevant.offsets), ranks, tops)


def top_k(scores: Scores, last: NDArray[np.bool_], k: int) -> Rows:
    """Places (Q, k) of the highest scores (Q, N) of each row, best first.

    Of equal ones those in `last` (Q, N) come last, the others in the order of their places.
    """
    num_places = scores.shape[1]
    if k < num_places:
        top = np.argpartition(-scores, k - 1, axis=1)[:, :k]
        least = np.take_along_axis(scores, top, axis=1).min(axis=1)
        # Where the last one that fits has equals, which of them fit is not for the partition to say.
        for row in np.flatnonzero((scores >= least[:, None]).sum(axis=1) > k):
            better, equal = np.flatnonzero(scores[row] > least[row]), np.flatnonzero(scores[row] == least[row])
            equal = equal[np.argsort(last[row, equal], kind="stable")]
            top[row] = np.concatenate((better, equal))[:k]
    else:
        top = np.broadcast_to(np.arange(k), (len(scores), k))
    order = np.lexsort((top, np.take_along_axis(last, top, axis=1), -np.take_along_axis(scores, top, axis=1)))
    return np.asarray(np.take_along_axis(top, order, axis=1), np.int64)


class _ByUser(Struct, frozen=True):
    places: Rows
    offsets: Rows
    # Which of the pairs each place comes from.
    pairs: Rows

    def entries(self, first: int, last: int) -> tuple[Rows, Rows]:
        """(row, column) of every entry of users `first` to `last` (exclusive), rows counted from `first`."""
        lengths = np.diff(self.offsets[first : last + 1])
        rows = np.repeat(np.arange(last - first), lengths)
        return rows, self.places[self.offsets[first] : self.offsets[last]]


def _by_user(pairs: Pairs, task: Task) -> _ByUser:
    """Candidates of each of the task's users in `pairs`; items that are no candidates are dropped."""
    users, places = task.users, task.places_of(pairs.items)
    rows = np.searchsorted(users, pairs.users)
    wanted = (rows < len(users)) & (users[np.minimum(rows, len(users) - 1)] == pairs.users) & (places >= 0)
    rows, places = rows[wanted], places[wanted]
    order = np.argsort(rows, kind="stable")
    lengths = np.bincount(rows, minlength=len(users))
    return _ByUser(places[order], np.concatenate(([0], np.cumsum(lengths))), np.flatnonzero(wanted)[order])
