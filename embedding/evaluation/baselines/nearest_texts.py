"""Nearest texts: candidates whose texts are like those of what a user liked; what text alone can find."""

import numpy as np

from embedding.data.task import Task
from embedding.evaluation.baselines.baseline import Baseline, CandidateTexts
from embedding.evaluation.baselines.user_items import UserItems
from embedding.evaluation.dot_product import DotProductScorer
from embedding.evaluation.scorer import Scorer


class NearestTexts(Baseline):
    """Scores by the sum of the cosines between a candidate's text and each text that a user liked."""

    name = "text"
    reads_texts = True

    def fit(self, task: Task, texts: CandidateTexts) -> Scorer:
        """As `Baseline`."""
        vectors = texts()
        return DotProductScorer(np.asarray(UserItems.of(task).of_task @ vectors, np.float32), vectors)
