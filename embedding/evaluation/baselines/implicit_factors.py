"""Matrix factorisation by the library `implicit`, an extra: alternating least squares, and BPR."""

from abc import abstractmethod
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from embedding.data.task import Task
from embedding.evaluation.baselines.baseline import Baseline, CandidateTexts
from embedding.evaluation.baselines.user_items import UserItems
from embedding.evaluation.dot_product import DotProductScorer
from embedding.evaluation.scorer import Scorer

_FACTORS = 64
_SEED = 0
# The best of six tried on HetRec and the Taste Profile: the library's own settings give recall@20 .208, these .277.
_CONFIDENCE = 10.0
_REGULARISATION = 10.0


class _ImplicitFactors(Baseline):
    """Scores by the dot product of a user's and an item's factors."""

    extra = "als"

    def fit(self, task: Task, texts: CandidateTexts) -> Scorer:  # noqa: ARG002  # of no use to it
        """As `Baseline`."""
        user_items = UserItems.of(task)
        model = self._model()
        with threadpool_limits(1, "blas"):
            model.fit(user_items.matrix, show_progress=False)
        return DotProductScorer(np.asarray(model.user_factors)[user_items.rows], np.asarray(model.item_factors))

    @abstractmethod
    def _model(self) -> Any:
        """An untrained model of the library."""


class LeastSquares(_ImplicitFactors):
    """Hu, Koren and Volinsky, "Collaborative filtering for implicit feedback datasets", ICDM 2008, 64 factors."""

    name = "als"

    def _model(self) -> Any:
        from implicit.cpu.als import AlternatingLeastSquares

        return AlternatingLeastSquares(
            _FACTORS, regularization=_REGULARISATION, alpha=_CONFIDENCE, random_state=_SEED, num_threads=1
        )


class PairwiseRanking(_ImplicitFactors):
    """Rendle et al., "BPR: Bayesian personalized ranking from implicit feedback", UAI 2009, 64 factors."""

    name = "bpr"

    def _model(self) -> Any:
        from implicit.cpu.bpr import BayesianPersonalizedRanking

        # Several threads would write over one another, and no two runs would agree.
        return BayesianPersonalizedRanking(_FACTORS, random_state=_SEED, num_threads=1)
