"""The loss of a batch: what is sampled for it, and the losses of histories, text queries and hard negatives.

Shapes: B pairs of a batch, U items that it touches, H history entries of all its pairs, M hard negatives of each pair,
D dims.
"""

import math
from collections.abc import Sequence
from itertools import zip_longest

import torch
from torch import Tensor

from embedding.data.train_config import TrainConfig
from embedding.towers.candidate_tower import CandidateTower, cut
from embedding.towers.history import Histories
from embedding.towers.item_tensors import ItemTensors
from embedding.towers.query_tower import HistoryTensors, QueryTower
from embedding.training.distributed import ProcessGroup
from embedding.training.hard_negatives import HardNegatives
from embedding.training.loss import in_batch_softmax, log_sampling_probability
from embedding.training.text_sampling import TextSampler

# Share of training pairs whose hour is hidden, so that the tower learns requests without a time too.
_HOUR_DROPOUT = 0.2


class BatchLoss:
    """Computes the loss of batches. Random numbers are drawn on the CPU, so that every device sees the same batches."""

    def __init__(
        self,
        items: ItemTensors,
        histories: Histories,
        candidate: CandidateTower,
        query: QueryTower,
        config: TrainConfig,
        group: ProcessGroup,
        texts: TextSampler | None = None,
    ) -> None:
        """`texts`: query texts of the items, where the config has text queries."""
        self.items, self.histories, self.config, self.group = items, histories, config, group
        self.candidate, self.query, self.texts = candidate, query, texts
        self.id_dropout = config.id_dropout or 0.0
        self.lengths = (config.dims, *config.nested_dims)
        self.history_length = config.train_history_length or config.history_length
        self.liked = histories.liked()
        counts = torch.bincount(histories.items_P[self.liked], minlength=len(items)).float()
        self.log_q = log_sampling_probability(counts) if config.logq else None
        self.hard = HardNegatives(items, candidate, counts, config.hard_negatives) if config.hard_negatives else None

    def loss(self, pairs_B: Tensor, generator: torch.Generator) -> Tensor:
        """Mean loss of the pairs `pairs_B` (places among the histories' pairs), of all processes together.

        Of vectors that may be cut, the mean over all lengths: Kusupati et al., "Matryoshka representation learning",
        NeurIPS 2022, equation 1, with equal weights. Where the config has text queries, their loss is added, times
        `text_query_weight`.
        """
        device = pairs_B.device
        history = self.histories.around(pairs_B, self.history_length, generator)
        shown_B = torch.rand(len(pairs_B), generator=generator).to(device) >= _HOUR_DROPOUT
        items_B = self.histories.items_P[pairs_B]
        # Only what the batch touches goes through the candidate tower, each item once.
        touched_U, place = torch.unique(torch.cat((items_B, history.places_H)), return_inverse=True)
        hidden_U = torch.rand(len(touched_U), generator=generator).to(device) < self.id_dropout
        places_B, places_H = place[: len(items_B)], place[len(items_B) :]
        history = HistoryTensors(places_H, history.offsets, history.weights_H, history.hours_B * shown_B)
        queries, candidate_BD = self._encode(touched_U, hidden_U, places_B, history)
        pool_P = items_B[:0] if self.hard is None else self.hard.pool(generator)
        liked = self.histories.liked_among(pairs_B, torch.cat((items_B, pool_P)))
        hard = self._hard_logits(queries, pool_P, liked[:, len(items_B) :], generator)
        loss = self._mean_loss(queries, candidate_BD, items_B, liked[:, : len(items_B)], hard)
        if self.texts is not None:
            text_BE, same_text_BB = self.texts.sample(items_B, generator)
            queries = [self.query.of_texts(text_BE, dims) for dims in self.lengths]
            by_text = self._mean_loss(queries, candidate_BD, items_B, same_text_BB)
            loss = loss + self.config.text_query_weight * by_text
        return loss

    def _hard_logits(
        self, queries: Sequence[Tensor], pool_P: Tensor, liked_BP: Tensor, generator: torch.Generator
    ) -> list[Tensor]:
        """Logits (B, M) of each query's hard negatives, for each length of the vectors; an empty list without any.

        How likely a hard negative was is not known. It gets the correction that an item of the batch would: without
        one, popular items would be pushed away for being popular. Every process computes the same logits.
        """
        if self.hard is None:
            return []
        places_BM, none_BM = self.hard.nearest(queries[0].detach(), pool_P, liked_BP)
        touched_U, place_BM = torch.unique(places_BM, return_inverse=True)
        hidden_U = torch.rand(len(touched_U), generator=generator).to(pool_P.device) < self.id_dropout
        vectors_UD = self.candidate(self.items.take(touched_U), hidden_U)
        found = []
        for query_BD in queries:
            vectors_BMD = cut(vectors_UD, query_BD.shape[1])[place_BM]
            logits_BM = torch.einsum("bd,bmd->bm", query_BD / self.config.temperature, vectors_BMD)
            if self.log_q is not None:
                logits_BM = logits_BM - self.log_q[places_BM]
            found.append(logits_BM.masked_fill(none_BM, -math.inf))
        return found

    def _mean_loss(
        self,
        queries: Sequence[Tensor],
        candidate_BD: Tensor,
        items_B: Tensor,
        positive_BB: Tensor,
        hard: Sequence[Tensor] = (),
    ) -> Tensor:
        """Mean over the lengths of the loss of queries against candidates, and against `hard` logits where given."""
        log_q_B = None if self.log_q is None else self.log_q[items_B]
        losses = [
            in_batch_softmax(
                query_BD,
                cut(candidate_BD, query_BD.shape[1]),
                items_B,
                log_q_B,
                self.config.temperature,
                positive_BB,
                hard_BM,
            )
            for query_BD, hard_BM in zip_longest(queries, hard)
        ]
        return torch.stack(losses).mean()

    def _encode(
        self, touched_U: Tensor, hidden_U: Tensor, places_B: Tensor, history: HistoryTensors
    ) -> tuple[list[Tensor], Tensor]:
        """Queries of each length, and candidates (B, D), of the batch, of which each process encodes its part."""
        if self.group.size == 1:
            vectors_UD = self.candidate(self.items.take(touched_U), hidden_U)
            return [self.query(cut(vectors_UD, dims), history) for dims in self.lengths], vectors_UD[places_B]
        first, last = self.group.part(len(places_B))
        places_B, history = places_B[first:last], _rows(history, first, last)
        own_U, place = torch.unique(torch.cat((places_B, history.places_H)), return_inverse=True)
        history = HistoryTensors(place[len(places_B) :], history.offsets, history.weights_H, history.hours_B)
        vectors_UD = self.candidate(self.items.take(touched_U[own_U]), hidden_U[own_U])
        gather = self.group.gather
        queries = [gather(self.query(cut(vectors_UD, dims), history)) for dims in self.lengths]
        return queries, gather(vectors_UD[place[: len(places_B)]])


def _rows(history: HistoryTensors, first: int, last: int) -> HistoryTensors:
    """The histories `first` to `last` (exclusive)."""
    offsets = history.offsets[first : last + 1]
    entries = slice(int(offsets[0]), int(offsets[-1]))
    return HistoryTensors(
        history.places_H[entries], offsets - offsets[0], history.weights_H[entries], history.hours_B[first:last]
    )
