"""What is said of towers that have just been trained: results on their own held-out pairs, and the manifest."""

import platform
from importlib.metadata import version

import numpy as np

from embedding.data.split import Split, SplitPairs
from embedding.data.task import Task
from embedding.data.train_config import TrainConfig
from embedding.evaluation.baselines.popularity import PopularityScorer
from embedding.evaluation.item_attributes import ItemAttributes
from embedding.evaluation.ranking import rank
from embedding.evaluation.results import POPULARITY, TOWERS, EvaluationResults, results_of
from embedding.evaluation.tower_ranking import encode_for
from embedding.evaluation.tower_scorer import TowerScorer
from embedding.progress import Reporter
from embedding.text.text_vectors import TextVectors
from embedding.towers.model_folder import ModelCounts, ModelManifest
from embedding.training.checkpoint import RunIdentity
from embedding.training.dataset import Dataset
from embedding.training.training_data import TrainingData
from embedding.training.training_loop import Trained

_LIBRARIES = ("nearfield", "torch", "numpy", "sentence-transformers", "safetensors")


def held_out_results(
    data: TrainingData,
    trained: Trained,
    parts: SplitPairs,
    config: TrainConfig,
    dataset: Dataset,
    texts: TextVectors,
    reporter: Reporter,
) -> EvaluationResults | None:
    """How good the towers are on the pairs that their split held out, beside popularity; None where it held none."""
    if not len(parts.test):
        return None
    task = Task.of(parts, dataset.item_rows)
    rows, vectors = encode_for(trained.candidate, data.vocabulary, task, dataset, texts, reporter)
    scorer = TowerScorer(trained.query, config, task, rows, vectors)
    ranked = {
        TOWERS: rank(scorer, task, reporter, TOWERS),
        POPULARITY: rank(PopularityScorer(task), task, reporter, POPULARITY),
    }
    return results_of(ranked, task, ItemAttributes.of(dataset, task.is_candidate), reporter)


def manifest_of(
    data: TrainingData,
    trained: Trained,
    dataset: Dataset,
    texts: TextVectors,
    split: Split,
    identity: RunIdentity,
    config: TrainConfig,
) -> ModelManifest:
    """The manifest, without hashes, of the model that `trained` will be written as."""
    liked = data.pairs.positive
    return ModelManifest(
        dims=config.dims,
        encoder_hash=texts.encoder_hash,
        text_dims=texts.dims,
        input_fields=data.vocabulary.input_fields,
        config=config,
        split=split,
        fingerprint=identity.interactions,
        counts=ModelCounts(
            items=len(data.vocabulary.ids),
            users=len(np.unique(data.pairs.users[liked])),
            pairs=int(liked.sum()),
            skips=int((~liked).sum()),
        ),
        crossing=dataset.crossing(data.pairs),
        device=identity.device,
        epochs=trained.best_epoch,
        warm_start=identity.start,
        libraries={"python": platform.python_version()} | {name: version(name) for name in _LIBRARIES},
    )
