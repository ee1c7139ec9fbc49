"""The public data sets whose towers are judged, the config of each, and metrics by a ranking of the whole catalogue."""

from pathlib import Path

from embedding.data.split import SplitPairs
from embedding.data.task import Task
from embedding.data.train_config import TrainConfig
from embedding.evaluation.ranking import evaluate
from embedding.evaluation.tower_ranking import encode_for
from embedding.evaluation.tower_scorer import TowerScorer
from embedding.progress import Reporter
from embedding.text.text_vectors import NoText
from embedding.training.dataset import Dataset
from embedding.training.fit import Fitted

# NAME.toml of each set.
CONFIGS = Path(__file__).parent
SETS = ("hetrec2011_lastfm", "taste_profile", "playlist_archive")


def ranked(fitted: Fitted, data: Dataset, parts: SplitPairs, config: TrainConfig) -> dict[str, float]:
    """The metrics of towers that read no text, over all candidates for everybody with pairs held out."""
    quiet, texts = Reporter("none"), NoText()
    task = Task.of(parts, data.item_rows)
    rows, vectors = encode_for(fitted.trained.candidate, fitted.vocabulary, task, data, texts, quiet)
    return evaluate(TowerScorer(fitted.trained.query, config, task, rows, vectors), task, quiet, "towers")
