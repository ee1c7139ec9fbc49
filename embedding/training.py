"""The training loop: pairs in, two trained towers out; one seed, one result."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from msgspec import Struct
from numpy.typing import NDArray
from torch import Tensor
from torch.utils import deterministic

from embedding.errors import NearfieldError
from embedding.features import EncodedItems, Vocabulary
from embedding.history import Histories
from embedding.loss import in_batch_softmax, log_sampling_probability
from embedding.pairs import Pairs
from embedding.progress import Reporter
from embedding.towers import CandidateTower, HistoryTensors, ItemTensors, QueryTower
from embedding.train_config import TrainConfig

# Shape of the one-cycle schedule: share of the steps in which the rate rises, and how far below its peak it begins.
_WARM_UP_SHARE = 0.3
_START_FACTOR = 1 / 25
# Share of training pairs whose hour is hidden, so that a request without a time is at home too.
_HOUR_DROPOUT = 0.2


class Trained(Struct, frozen=True):
    """Two trained towers on the CPU, and the mean loss of each epoch."""

    candidate: CandidateTower
    query: QueryTower
    losses: tuple[float, ...]


def fit(
    items: EncodedItems,
    vocabulary: Vocabulary,
    pairs: Pairs,
    places: NDArray[np.int64],
    config: TrainConfig,
    device: torch.device,
    reporter: Reporter,
) -> Trained:
    """Train both towers on the positive pairs of `pairs`; skips count in histories only.

    `items`: every item in `pairs`; `places` (P,): where each pair's item stands in them. The same arguments give
    the same weights, bit for bit, on one machine's CPU. Raises NearfieldError when the loss is no longer a number.
    """
    with _repeatable(config.seed, device):
        tensors = ItemTensors.of(items, device)
        candidate = CandidateTower(vocabulary.num_ids, vocabulary.table_sizes(), items.text.shape[1], config.dims).to(
            device
        )
        query = QueryTower(config.dims).to(device)
        loop = _Loop(tensors, Histories.of(pairs, places, config, device), candidate, query, config, device)
        losses = tuple(loop.run(reporter))
    candidate.sparse = False
    return Trained(candidate.cpu().eval(), query.cpu().eval(), losses)


class _Loop:
    def __init__(
        self,
        items: ItemTensors,
        histories: Histories,
        candidate: CandidateTower,
        query: QueryTower,
        config: TrainConfig,
        device: torch.device,
    ) -> None:
        self.items, self.histories, self.config, self.device = items, histories, config, device
        self.candidate, self.query = candidate, query
        self.history_length = config.train_history_length or config.history_length
        self.liked = histories.liked()
        counts = torch.bincount(histories.items_P[self.liked], minlength=len(items)).float()
        self.log_q = log_sampling_probability(counts) if config.logq else None
        self.num_steps = math.ceil(len(self.liked) / config.batch_size)
        # Random numbers are drawn on the CPU, so that every device sees the same batches.
        self.generator = torch.Generator().manual_seed(config.seed)
        # Sparse gradients do not exist on Apple's GPUs.
        candidate.sparse = device.type != "mps"
        large = candidate.large_tables() if candidate.sparse else []
        small = [
            weights
            for weights in (*candidate.parameters(), *query.parameters())
            if all(weights is not table for table in large)
        ]
        self.optimisers: list[torch.optim.Optimizer] = [torch.optim.Adam(small, lr=config.learning_rate)]
        if large:
            self.optimisers.append(torch.optim.SparseAdam(large, lr=config.learning_rate))

    def run(self, reporter: Reporter) -> Iterator[float]:
        """Mean loss of each epoch, one after the other."""
        step, epochs = 0, self.config.epochs
        note = ""
        for epoch in range(1, epochs + 1):
            order = self.liked[torch.randperm(len(self.liked), generator=self.generator).to(self.device)]
            total = 0.0
            with reporter.stage(f"epoch {epoch}/{epochs}{note}", len(order)) as advance:
                for pairs_B in torch.split(order, self.config.batch_size):
                    self._set_rate(step / (epochs * self.num_steps))
                    loss = self._step(pairs_B)
                    if not math.isfinite(loss):
                        raise NearfieldError(
                            f"The loss became {loss} in epoch {epoch}, step {step}. Lower `learning_rate` "
                            f"({self.config.learning_rate}) or raise `temperature` ({self.config.temperature})."
                        )
                    total += loss * len(pairs_B)
                    step += 1
                    advance(len(pairs_B))
            mean = total / len(order)
            note = f", loss {mean:.3f}"
            reporter.say(f"epoch {epoch}/{epochs}: loss {mean:.4f}")
            yield mean

    def _step(self, pairs_B: Tensor) -> float:
        history = self.histories.around(pairs_B, self.history_length, self.generator)
        shown_B = torch.rand(len(pairs_B), generator=self.generator).to(self.device) >= _HOUR_DROPOUT
        items_B = self.histories.items_P[pairs_B]
        # Only what the batch touches goes through the candidate tower, each item once.
        touched_U, place = torch.unique(torch.cat((items_B, history.places_H)), return_inverse=True)
        hidden_U = torch.rand(len(touched_U), generator=self.generator).to(self.device) < self.config.id_dropout
        vectors_UD = self.candidate(self.items.take(touched_U), hidden_U)
        places_B, places_H = place[: len(items_B)], place[len(items_B) :]
        history = HistoryTensors(places_H, history.offsets, history.weights_H, history.hours_B * shown_B)
        query_BD = self.query(vectors_UD, history)
        loss = in_batch_softmax(
            query_BD,
            vectors_UD[places_B],
            items_B,
            None if self.log_q is None else self.log_q[items_B],
            self.config.temperature,
            _heard_in_batch(history, places_B, len(touched_U)),
        )
        for optimiser in self.optimisers:
            optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        for optimiser in self.optimisers:
            optimiser.step()
        return float(loss.detach())

    def _set_rate(self, progress: float) -> None:
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = self.config.learning_rate * one_cycle(progress)


def one_cycle(progress: float) -> float:
    """Share of the highest learning rate at `progress` (0 to 1): up for 30 %, then down to nothing, by cosines.

    Smith and Topin, "Super-convergence", 2019, in the two-phase form of torch's OneCycleLR.
    """
    if progress < _WARM_UP_SHARE:
        return _START_FACTOR + (1 - _START_FACTOR) * (1 - math.cos(math.pi * progress / _WARM_UP_SHARE)) / 2
    return (1 + math.cos(math.pi * (progress - _WARM_UP_SHARE) / (1 - _WARM_UP_SHARE))) / 2


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


@contextmanager
def _repeatable(seed: int, device: torch.device) -> Iterator[None]:
    """Seeded fresh weights and, on the CPU, only operations whose result does not depend on the order of threads.

    Half of the threads: the operations are small, and threads that wait for one another spin. On two cores with
    other work on them, two threads took 153 s for what one did in 27; on idle ones they gain a tenth.
    """
    before, threads = torch.are_deterministic_algorithms_enabled(), torch.get_num_threads()
    filled = deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(device.type == "cpu")
        torch.set_num_threads(max(1, threads // 2))
        # It would find reads of memory never written, at a tenth of the time of a step; there are none here.
        deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before)
            torch.set_num_threads(threads)
            deterministic.fill_uninitialized_memory = filled  # type: ignore[attr-defined]
