"""What a baseline is: a name, and scores for the users of a task, fitted to its training pairs."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

from embedding.data.task import Task
from embedding.evaluation.scorer import Scorer
from embedding.protocols import Vectors

# Unit text vectors (N, E) of a task's candidates, encoded when called.
CandidateTexts = Callable[[], Vectors]


class Baseline(ABC):
    """One baseline with its settings; a new one is a file beside this one and a line in `registry.py`."""

    # As `nearfield evaluate --baselines` takes it.
    name: ClassVar[str]
    # Whether it calls for the candidates' texts, for which a text encoder must be at hand.
    reads_texts: ClassVar[bool] = False
    # The extra that brings its library, where it has one.
    extra: ClassVar[str | None] = None

    @abstractmethod
    def fit(self, task: Task, texts: CandidateTexts) -> Scorer:
        """A scorer fitted to the training pairs of `task`, the same for the same task.

        Skips are no likes. Users without a training pair are scored too. Raises UsageError, saying how to leave the
        baseline out, where the data is too large for it.
        """
