"""The validation metric: what training stops by, and tuning compares configs by, on training pairs held out."""

import copy
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from embedding.data.task import Task
from embedding.data.train_config import TrainConfig
from embedding.evaluation.ranking import evaluate
from embedding.evaluation.tower_scorer import TowerScorer
from embedding.progress import Reporter
from embedding.towers.candidate_tower import CandidateTower
from embedding.towers.encoded_items import EncodedItems
from embedding.towers.item_tensors import ItemTensors
from embedding.towers.query_tower import QueryTower
from embedding.training.training_data import TrainingData

_ITEMS_AT_ONCE = 1 << 16


class ValidationMetric:
    """Ranks the candidates of a task each time it is called; `items` are the catalogue rows `rows`, ascending."""

    def __init__(self, task: Task, items: EncodedItems, rows: NDArray[np.int64], config: TrainConfig) -> None:
        """`items` must have every candidate of the task and every item of its training pairs."""
        self._task, self._items, self._rows, self._config = task, items, rows, config
        self._tensors: ItemTensors | None = None

    @classmethod
    def of(cls, data: TrainingData, config: TrainConfig) -> Self | None:
        """The validation of a run on `data`; None where no pairs were held out for it."""
        if data.validation is None:
            return None
        return cls(data.validation, data.items, data.rows, config)

    def __call__(self, candidate: CandidateTower, query: QueryTower, reporter: Reporter) -> float:
        """The metric `validate_by` of the config, of towers in training."""
        device = candidate.ids.device
        if self._tensors is None:
            self._tensors = ItemTensors.of(self._items, device)
        with torch.inference_mode():
            places = torch.arange(len(self._items), device=device)
            parts = [candidate(self._tensors.take(part)).cpu() for part in torch.split(places, _ITEMS_AT_ONCE)]
        scorer = TowerScorer(copy.deepcopy(query).cpu(), self._config, self._task, self._rows, torch.cat(parts).numpy())
        return evaluate(scorer, self._task, reporter, "validation")[self._config.validate_by]
