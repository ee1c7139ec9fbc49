"""Optimisers: Adam, lazy in the tables that grow with the catalogue, under a one-cycle schedule."""

import math
from typing import Any

import torch

from embedding.towers.candidate_tower import CandidateTower
from embedding.towers.query_tower import QueryTower
from embedding.training.distributed import ProcessGroup
from embedding.training.lazy_adam import LazyAdam

# Shape of the one-cycle schedule: share of the steps in which the rate rises, and how far below its peak it begins.
_WARM_UP_SHARE = 0.3
_START_FACTOR = 1 / 25


class Optimisers:
    """Adam for both towers: a step costs what its batch touched, however many items there are."""

    def __init__(self, candidate: CandidateTower, query: QueryTower, peak: float) -> None:
        """`peak`: the highest learning rate of the schedule."""
        self.peak = self.rate = peak
        large = candidate.large_tables() if candidate.sparse else []
        small = [
            weights
            for weights in (*candidate.parameters(), *query.parameters())
            if all(weights is not table for table in large)
        ]
        self._weights = [*small, *large]
        self._parts: list[torch.optim.Optimizer] = [torch.optim.Adam(small, lr=peak)]
        if large:
            self._parts.append(LazyAdam(large, lr=peak))

    def step(self, loss: torch.Tensor, progress: float, group: ProcessGroup) -> None:
        """Move the weights once against the gradient of `loss`, at the rate of `progress` (0 to 1)."""
        self.rate = self.peak * one_cycle(progress)
        for part in self._parts:
            part.zero_grad()
            for parameters in part.param_groups:
                parameters["lr"] = self.rate
        loss.backward()  # type: ignore[no-untyped-call]
        group.average_gradients(self._weights)
        for part in self._parts:
            part.step()

    def state(self) -> list[dict[str, Any]]:
        """The state that `restore` takes."""
        return [part.state_dict() for part in self._parts]

    def restore(self, state: list[dict[str, Any]]) -> None:
        """Set the state that `state` gave."""
        for part, own in zip(self._parts, state, strict=True):
            part.load_state_dict(own)


def one_cycle(progress: float) -> float:
    """Share of the highest learning rate at `progress` (0 to 1): up for 30 %, then down to zero, by cosines.

    Smith and Topin, "Super-convergence", 2019, in the two-phase form of torch's OneCycleLR.
    """
    if progress < _WARM_UP_SHARE:
        return _START_FACTOR + (1 - _START_FACTOR) * (1 - math.cos(math.pi * progress / _WARM_UP_SHARE)) / 2
    return (1 + math.cos(math.pi * (progress - _WARM_UP_SHARE) / (1 - _WARM_UP_SHARE))) / 2
