"""What training is stopped by, and settings are chosen by: a figure on a part of the training pairs held out."""

import copy

import numpy as np
import torch
from numpy.typing import NDArray

from embedding.evaluation import Task, evaluate
from embedding.features import EncodedItems
from embedding.progress import Reporter
from embedding.tower_scorer import TowerScorer
from embedding.towers import CandidateTower, ItemTensors, QueryTower
from embedding.train_config import TrainConfig

_ITEMS_AT_ONCE = 1 << 16


class Validation:
    """Ranks the candidates of a task whenever it is asked; `items` are the catalogue rows `rows`, ascending."""

    def __init__(self, task: Task, items: EncodedItems, rows: NDArray[np.int64], config: TrainConfig) -> None:
        """`items` must have every candidate of the task and every item of its training pairs."""
        self._task, self._items, self._rows, self._config = task, items, rows, config
        self._tensors: ItemTensors | None = None

    def __call__(self, candidate: CandidateTower, query: QueryTower) -> float:
        """The config's `validate_by`, of towers that are being trained."""
        device = candidate.ids.device
        if self._tensors is None:
            self._tensors = ItemTensors.of(self._items, device)
        with torch.inference_mode():
            places = torch.arange(len(self._items), device=device)
            parts = [candidate(self._tensors.take(part)).cpu() for part in torch.split(places, _ITEMS_AT_ONCE)]
        scorer = TowerScorer(copy.deepcopy(query).cpu(), self._config, self._task, self._rows, torch.cat(parts).numpy())
        return evaluate(scorer, self._task, Reporter("none"), "validation")[self._config.validate_by]
