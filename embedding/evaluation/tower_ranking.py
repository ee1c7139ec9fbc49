"""The ranking of trained towers for a task: candidates encoded, then ranked for every user."""

import copy

import numpy as np
from numpy.typing import NDArray

from embedding.data.task import Task
from embedding.errors import MismatchError
from embedding.evaluation.ranking import Ranked, rank
from embedding.evaluation.results import TOWERS
from embedding.evaluation.tower_scorer import TowerScorer
from embedding.progress import Reporter
from embedding.protocols import Vectors
from embedding.text.text_vectors import TextVectors
from embedding.towers.candidate_tower import CandidateTower
from embedding.towers.model import Towers, encode_rows
from embedding.towers.vocabulary import Vocabulary
from embedding.training.dataset import Dataset


def rank_towers(
    towers: Towers, task: Task, data: Dataset, texts: TextVectors, reporter: Reporter, name: str = TOWERS
) -> Ranked:
    """The ranking of `towers` for a task; `texts` are of their own encoder, or none where they read no text."""
    rows, vectors = encode_for(towers.candidate, towers.vocabulary, task, data, texts, reporter)
    return rank(TowerScorer(towers.query, towers.manifest.config, task, rows, vectors), task, reporter, name)


def encode_for(
    candidate: CandidateTower,
    vocabulary: Vocabulary,
    task: Task,
    data: Dataset,
    texts: TextVectors,
    reporter: Reporter,
) -> tuple[NDArray[np.int64], Vectors]:
    """Catalogue rows (M,) that occur in the task, ascending, and their candidate vectors (M, dims).

    Computed in double precision: in single, the last bits of a vector depend on its place in a batch, and so, where
    items are alike, would their ranks.
    """
    exact = copy.deepcopy(candidate).double()
    mask = task.is_candidate | data.item_mask(task.train.items)
    with reporter.stage("encode items", int(mask.sum())) as advance:
        vectors = [
            encode_rows(exact, vocabulary.encode(items, texts(items, advance))).astype(np.float32)
            for items in data.items(mask)
        ]
    return np.flatnonzero(mask), np.concatenate(vectors)


def check_encoder(towers: Towers, texts: TextVectors) -> None:
    """MismatchError, naming both hashes, unless `texts` come from the encoder that the towers know."""
    if towers.encoder_hash != texts.encoder_hash:
        raise MismatchError(
            f"The model {towers.model_hash} was trained with text encoder {towers.encoder_hash}, the one at hand is "
            f"{texts.encoder_hash}. Set `encoder` to the folder of the former, or train again."
        )
