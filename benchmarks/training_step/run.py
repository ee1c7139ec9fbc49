"""Training steps of one model over a catalogue of any size, by themselves: no data to read, nothing to evaluate."""

import time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from embedding.data.pairs import Pairs
from embedding.data.train_config import TrainConfig
from embedding.towers.candidate_tower import CandidateTower
from embedding.towers.encoded_items import Bag, EncodedItems
from embedding.towers.history import Histories
from embedding.towers.item_tensors import ItemTensors
from embedding.towers.query_tower import QueryTower
from embedding.training.batch_loss import BatchLoss
from embedding.training.distributed import SINGLE_PROCESS
from embedding.training.optimisers import Optimisers

CONFIG = TrainConfig(features=("id", "creators"), history_length=50)
# Steps until the memory of most rows that will be touched is there; of a loop over every row two.
WARM_UP = 40
_CPU = torch.device("cpu")
_USERS, _ITEMS_A_USER, _ITEMS_A_CREATOR = 4_000, 50, 10
# Items that occur in pairs, in a catalogue of any size.
_HEARD = 100_000


def spare_threads() -> None:
    """As training does: threads that wait for one another spin."""
    torch.set_num_threads(max(1, torch.get_num_threads() // 2))


class Run:
    """Steps of one model over a catalogue of `num_items`, on the same batches whatever its size."""

    def __init__(
        self, num_items: int, rows_only: bool, device: torch.device = _CPU, config: TrainConfig = CONFIG
    ) -> None:
        self.rows_only, self.device, self.config = rows_only, device, config
        draw = np.random.default_rng(0)
        num_pairs = _USERS * _ITEMS_A_USER
        heard = (_HEARD * draw.random(num_pairs) ** 3).astype(np.int64)
        # The same batches, whatever else there is: what is heard lies scattered over the catalogue.
        scattered = draw.permutation(num_items)
        items = scattered[heard]
        hashes, folds = np.arange(num_pairs, dtype=np.uint64), np.zeros(num_pairs, np.uint8)
        users = np.repeat(np.arange(_USERS), _ITEMS_A_USER)
        ones, no_times = np.ones(num_pairs, np.float32), np.full(num_pairs, np.nan)
        pairs = Pairs(users, items, ones, no_times, hashes, folds, folds)
        creator_of = draw.permutation(num_items // _ITEMS_A_CREATOR)[np.argsort(scattered) // _ITEMS_A_CREATOR] + 1
        # As Vocabulary.learn puts them: what is trained on most stands first.
        often = np.bincount(items, minlength=num_items)
        rows_of_creators = _ranks(np.bincount(creator_of, often)[1:])
        creators = Bag(rows_of_creators[creator_of - 1] + 1, np.arange(num_items + 1))
        encoded = EncodedItems(_ranks(often) + 1, {"creators": creators}, {}, np.zeros((num_items, 0), np.float32))
        torch.manual_seed(0)
        candidate = CandidateTower(num_items, {"creators": num_items // _ITEMS_A_CREATOR + 1}, 0, config.dims).to(
            device
        )
        query = QueryTower(config.dims).to(device)
        candidate.sparse = rows_only
        histories = Histories.of(pairs, items, config, device)
        self._step = BatchLoss(ItemTensors.of(encoded, device), histories, candidate, query, config, SINGLE_PROCESS)
        self._optimisers = Optimisers(candidate, query, config.learning_rate)
        self._generator = torch.Generator().manual_seed(0)
        self._order = torch.randperm(num_pairs, generator=self._generator).to(device)

    def bytes_moved(self) -> int:
        """The least that a step moves, in bytes, by its first batch.

        Of each row touched its weights, its gradient and both moments, there and back, with as many again for its
        creator; of each history entry the vector and its gradient; of the softmax scores and gradient, there and back.
        """
        batch_B = self._order[: self.config.batch_size]
        history = self._step.histories.around(batch_B, self._step.history_length, self._generator)
        touched = torch.unique(torch.cat((self._step.histories.items_P[batch_B], history.places_H)))
        rows = 2 * 2 * 4 * len(touched) + 2 * len(history.places_H)
        return 4 * (self.config.dims * rows + 4 * self.config.batch_size**2)

    def step(self, step: int) -> float:
        """Seconds of one step."""
        first = step * self.config.batch_size % (len(self._order) - self.config.batch_size)
        start = time.perf_counter()
        loss = self._step.loss(self._order[first : first + self.config.batch_size], self._generator)
        self._optimisers.step(loss, 0.5, SINGLE_PROCESS)
        # Training reads the loss of each step, too: on a GPU nothing has happened before.
        float(loss.detach())
        return time.perf_counter() - start


def _ranks(often: NDArray[Any]) -> NDArray[np.int64]:
    """Place of each in the order from most to least often, the earlier one first of two."""
    ranks = np.empty(len(often), np.int64)
    ranks[np.argsort(-often, kind="stable")] = np.arange(len(often))
    return ranks
