"""What counts as found and as enough when the doctor tries a plan: ties are found, and luck is not enough."""

import math

import numpy as np

from indexing.doctor.sampled_queries import K, SampledQueries
from indexing.search.measured import MIN_RECALL, Measured
from indexing.search.plan import Nearest, Plan
from indexing.stores.contract import Ranked

# Scores of one vector differ in the last bits between the engine and numpy.
SCORE_TOLERANCE = 1e-5


class Trial:
    """How one plan did on some samples, query by query."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        # One list a sample: the part of each exact answer that was found.
        self.recalls: list[list[float]] = []
        self.times_ms: list[float] = []
        # Whether all queries were asked.
        self.finished = False
        self.short_pages = 0
        # Rows that the engine gave and the rules forbid.
        self.leaks = 0

    def join(self, again: "Trial") -> None:
        """Count the same queries' times of another run of the plan, too."""
        self.times_ms = [min(pair) for pair in zip(self.times_ms, again.times_ms, strict=True)]

    @property
    def p50_ms(self) -> float:
        """Over the queries, of each the best run."""
        return float(np.median(self.times_ms))

    @property
    def p99_ms(self) -> float:
        """Over the queries, of each the best run."""
        return float(np.quantile(self.times_ms, 0.99))

    @property
    def recall(self) -> float:
        """The mean of the worst sample."""
        return min(sum(found) / len(found) for found in self.recalls)

    @property
    def suffices(self) -> bool:
        """Whether every sample reaches `MIN_RECALL` by one standard error of what was sampled."""
        return all(np.mean(found) - np.std(found) / math.sqrt(len(found)) >= MIN_RECALL for found in self.recalls)

    def judge(self, sample: SampledQueries, number: int, answer: Nearest | Ranked) -> None:
        """Add the answer to one query of the sample that `recalls` ends with."""
        expected, least = sample.num_found[number], sample.least[number] - SCORE_TOLERANCE
        passing = [score for row, score in zip(answer.rows, answer.scores, strict=True) if sample.passes[number](row)]
        self.leaks += len(answer.rows) - len(passing)
        found = sum(score >= least for score in passing)
        self.recalls[-1].append(min(found, expected) / expected if expected else 1.0)
        self.short_pages += len(answer.rows) < K

    def measured(self) -> Measured:
        """In figures."""
        return Measured(
            plan=self.plan.stored,
            recall=round(self.recall, 4),
            p50_ms=round(self.p50_ms, 4),
            p99_ms=round(self.p99_ms, 4),
            short_pages=self.short_pages,
            queries=len(self.times_ms),
            enough=self.finished and self.suffices,
        )
