"""Popularity: the same list for everybody, what most users liked first."""

import numpy as np

from embedding.data.task import Task
from embedding.evaluation.baselines.baseline import Baseline, CandidateTexts
from embedding.evaluation.scorer import Scorer, Scores


class PopularityScorer:
    """Ranks by the number of training pairs."""

    def __init__(self, task: Task) -> None:
        counts = np.bincount(task.train.items[task.train.positive], minlength=len(task.is_candidate))
        # The place of each count among those that occur: float32 tells large counts from one another no more.
        self._scores = np.unique(counts[task.candidates], return_inverse=True)[1].astype(np.float32)

    def scores(self, first: int, last: int) -> Scores:
        """As `Scorer`."""
        return np.repeat(self._scores[None], last - first, axis=0)


class Popularity(Baseline):
    """The same list for everybody."""

    name = "popularity"

    def fit(self, task: Task, texts: CandidateTexts) -> Scorer:  # noqa: ARG002  # of no use to it
        """As `Baseline`."""
        return PopularityScorer(task)
