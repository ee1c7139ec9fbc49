"""What the towers are compared with, in the same run and on the same lists."""

import numpy as np

from embedding.evaluation import Scores, Task


class Popularity:
    """The same list for everybody: most pairs in training first; of equals, the earlier catalogue row."""

    def __init__(self, task: Task) -> None:
        counts = np.bincount(task.train.items[task.train.positive], minlength=len(task.is_candidate))
        by_count = np.argsort(-counts[task.candidates], kind="stable")
        self._scores = np.empty(len(by_count), np.float32)
        self._scores[by_count] = -np.arange(len(by_count), dtype=np.float32)

    def scores(self, first: int, last: int) -> Scores:
        """Scores (last - first, N) of the candidates for users `first` to `last` (exclusive) of the task."""
        return np.repeat(self._scores[None], last - first, axis=0)
