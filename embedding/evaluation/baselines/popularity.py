"""Popularity: the same list for everybody, what most users liked first."""

import numpy as np

from embedding.data.task import Task
from embedding.evaluation.baselines.baseline import Baseline, CandidateTexts
from embedding.evaluation.scorer import Scorer, Scores


class PopularityScorer:
    """Ranks by the number of training pairs; of equals, the earlier catalogue row stands first."""

    def __init__(self, task: Task) -> None:
        counts = np.bincount(task.train.items[task.train.positive], minlength=len(task.is_candidate))
        by_count = np.argsort(-counts[task.candidates], kind="stable")
        self._scores = np.empty(len(by_count), np.float32)
        self._scores[by_count] = -np.arange(len(by_count), dtype=np.float32)

    def scores(self, first: int, last: int) -> Scores:
        """As `Scorer`."""
        return np.repeat(self._scores[None], last - first, axis=0)


class Popularity(Baseline):
    """The same list for everybody."""

    name = "popularity"

    def fit(self, task: Task, texts: CandidateTexts) -> Scorer:  # noqa: ARG002  # of no use to it
        """As `Baseline`."""
        return PopularityScorer(task)
