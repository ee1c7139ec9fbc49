"""Evaluation as the command `nearfield evaluate` does it, its report as an object."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from embedding.progress import Reporter
from embedding.settings import EmbeddingSettings
from embedding.text.encoder_loading import load_encoder

if TYPE_CHECKING:
    from embedding.runs.evaluate import EvaluateReport


def evaluate(
    model: Path,
    settings: EmbeddingSettings,
    catalogue: Path | str,
    interactions: Path | str,
    test: Path | str | None,
    baselines: Sequence[str],
    against: Path | str | None,
) -> "EvaluateReport":
    """Rank the whole catalogue for every user with held-out pairs; what the arguments mean is said at Model.evaluate.

    Warns (UserWarning) of rows that were not taken, and of a model that may have been trained on `test`.
    """
    # It loads torch and scipy.
    from embedding.evaluation.baselines.registry import BASELINES
    from embedding.runs.evaluate import EvaluateRequest, run_evaluation, training_warnings

    request = EvaluateRequest(
        model=model,
        catalogue=Path(catalogue),
        interactions=Path(interactions),
        test=None if test is None else Path(test),
        baselines=tuple(BASELINES[name].name for name in baselines),
        against=None if against is None else Path(against),
    )
    report = run_evaluation(request, settings, load_encoder, Reporter("none"))
    for path, count in report.rejects.items():
        warnings.warn(f"{count:,} rows were not taken; see {path}", stacklevel=3)
    for told in training_warnings(report, request):
        warnings.warn(told, stacklevel=3)
    return report
