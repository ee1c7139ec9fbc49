"""One step of training: what a batch of pairs draws, and how far the towers are from finding its items.

Shapes: B pairs of a batch, U items that it touches, H history entries of all its pairs, D dims.
"""

import torch
from torch import Tensor

from embedding.history import Histories
from embedding.loss import in_batch_softmax, log_sampling_probability
from embedding.processes import Processes
from embedding.towers import CandidateTower, HistoryTensors, ItemTensors, QueryTower
from embedding.train_config import TrainConfig

# Share of training pairs whose hour is hidden, so that a request without a time is at home too.
_HOUR_DROPOUT = 0.2


class TrainingStep:
    """The loss of a batch. Random numbers are drawn on the CPU, so that every device sees the same batches."""

    def __init__(
        self,
        items: ItemTensors,
        histories: Histories,
        candidate: CandidateTower,
        query: QueryTower,
        config: TrainConfig,
        processes: Processes,
    ) -> None:
        self.items, self.histories, self.config, self.processes = items, histories, config, processes
        self.candidate, self.query = candidate, query
        self.history_length = config.train_history_length or config.history_length
        self.liked = histories.liked()
        counts = torch.bincount(histories.items_P[self.liked], minlength=len(items)).float()
        self.log_q = log_sampling_probability(counts) if config.logq else None

    def loss(self, pairs_B: Tensor, generator: torch.Generator) -> Tensor:
        """Mean loss of the pairs `pairs_B` (places among the histories' pairs), of all processes together."""
        device = pairs_B.device
        history = self.histories.around(pairs_B, self.history_length, generator)
        shown_B = torch.rand(len(pairs_B), generator=generator).to(device) >= _HOUR_DROPOUT
        items_B = self.histories.items_P[pairs_B]
        # Only what the batch touches goes through the candidate tower, each item once.
        touched_U, place = torch.unique(torch.cat((items_B, history.places_H)), return_inverse=True)
        hidden_U = torch.rand(len(touched_U), generator=generator).to(device) < self.config.id_dropout
        places_B, places_H = place[: len(items_B)], place[len(items_B) :]
        history = HistoryTensors(places_H, history.offsets, history.weights_H, history.hours_B * shown_B)
        query_BD, candidate_BD = self._encode(touched_U, hidden_U, places_B, history)
        return in_batch_softmax(
            query_BD,
            candidate_BD,
            items_B,
            None if self.log_q is None else self.log_q[items_B],
            self.config.temperature,
            _heard_in_batch(history, places_B, len(touched_U)),
        )

    def _encode(
        self, touched_U: Tensor, hidden_U: Tensor, places_B: Tensor, history: HistoryTensors
    ) -> tuple[Tensor, Tensor]:
        """Queries and candidates (B, D) of the batch; each process encodes its part of the pairs."""
        if self.processes.size == 1:
            vectors_UD = self.candidate(self.items.take(touched_U), hidden_U)
            return self.query(vectors_UD, history), vectors_UD[places_B]
        first, last = self.processes.part(len(places_B))
        places_B, history = places_B[first:last], _rows(history, first, last)
        own_U, place = torch.unique(torch.cat((places_B, history.places_H)), return_inverse=True)
        history = HistoryTensors(place[len(places_B) :], history.offsets, history.weights_H, history.hours_B)
        vectors_UD = self.candidate(self.items.take(touched_U[own_U]), hidden_U[own_U])
        gather = self.processes.gather
        return gather(self.query(vectors_UD, history)), gather(vectors_UD[place[: len(places_B)]])


def _rows(history: HistoryTensors, first: int, last: int) -> HistoryTensors:
    """The histories `first` to `last` (exclusive)."""
    offsets = history.offsets[first : last + 1]
    entries = slice(int(offsets[0]), int(offsets[-1]))
    return HistoryTensors(
        history.places_H[entries], offsets - offsets[0], history.weights_H[entries], history.hours_B[first:last]
    )


def _heard_in_batch(history: HistoryTensors, places_B: Tensor, num_touched: int) -> Tensor:
    """(B, B): whether the query of a row has the item of a column in its history, as something liked."""
    targets, target_B = torch.unique(places_B, return_inverse=True)
    target_of_place = places_B.new_full((num_touched,), -1)
    target_of_place[targets] = torch.arange(len(targets), device=places_B.device)
    query_H = torch.repeat_interleave(torch.arange(len(places_B), device=places_B.device), history.offsets.diff())
    target_H = target_of_place[history.places_H]
    counted_H = (target_H >= 0) & (history.weights_H > 0)
    heard = torch.zeros(len(places_B), len(targets), dtype=torch.bool, device=places_B.device)
    heard[query_H[counted_H], target_H[counted_H]] = True
    return heard[:, target_B]
