"""Training data in, two trained towers out: one seed, one result, wherever the run was interrupted."""

import torch
from msgspec import Struct

from embedding.data.pairs import Pairs
from embedding.data.train_config import TrainConfig
from embedding.progress import Reporter
from embedding.text.text_vectors import TextVectors
from embedding.towers.candidate_tower import CandidateTower
from embedding.towers.history import Histories
from embedding.towers.item_tensors import ItemTensors
from embedding.towers.query_tower import QueryTower
from embedding.towers.vocabulary import Vocabulary
from embedding.training.dataset import Dataset
from embedding.training.out_of_memory import explain_out_of_memory
from embedding.training.reproducible import reproducible
from embedding.training.text_sampling import TextSampler
from embedding.training.training_data import TrainingData, prepare_training_data
from embedding.training.training_loop import FitOptions, Trained, TrainingLoop
from embedding.training.warm_start import copy_weights


def fit(
    data: TrainingData,
    config: TrainConfig,
    device: torch.device,
    reporter: Reporter,
    options: FitOptions = FitOptions(),  # noqa: B008  # it is frozen
) -> Trained:
    """Train both towers on the positive pairs of `data`; skips count in histories only.

    The same arguments give the same weights, bit for bit, on one machine's CPU, resumed or not. Raises NearfieldError
    when the loss is no longer a number or memory runs out, MismatchError for a checkpoint of another run.
    """
    text_dims = data.items.text.shape[1]
    assert (data.query_texts is not None) == bool(config.text_query_weight), "text queries are learnt from texts"
    with reproducible(config.seed, device), explain_out_of_memory(config):
        items = ItemTensors.of(data.items, device)
        candidate = CandidateTower(data.vocabulary.num_ids, data.vocabulary.table_sizes(), text_dims, config.dims)
        query = QueryTower(config.dims, text_dims if config.text_query_weight else 0)
        if options.start is not None:
            copy_weights(options.start, {"candidate": candidate, "query": query})
        candidate, query = candidate.to(device), query.to(device)
        histories = Histories.of(data.pairs, data.places, config, device)
        texts = None if data.query_texts is None else TextSampler.of(data.query_texts, device)
        try:
            return TrainingLoop(items, histories, candidate, query, config, device, options, texts).run(reporter)
        finally:
            if options.log is not None:
                options.log.close()


class Fitted(Struct, frozen=True):
    """Trained towers with the vocabulary that belongs to them."""

    vocabulary: Vocabulary
    trained: Trained


def fit_pairs(
    dataset: Dataset,
    train: Pairs,
    config: TrainConfig,
    texts: TextVectors,
    device: torch.device,
    reporter: Reporter,
) -> Fitted:
    """Learn the vocabulary of the items in `train` and train the towers on them."""
    data = prepare_training_data(dataset, train, None, config, texts, reporter)
    return Fitted(data.vocabulary, fit(data, config, device, reporter))
